"""The pages of the book, in the order of its contents."""

from pathlib import Path

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[1]


def pages() -> list[str]:
    """Return all pages of `_toc.yml`, the first one first, without their endings."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = (chapter["file"] for part in contents["parts"] for chapter in part["chapters"])
    return [contents["root"], *chapters]
