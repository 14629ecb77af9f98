"""The pages of the book, in the order of its contents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[1]


def pages() -> list[str]:
    """Return all pages of `_toc.yml`, the first one first, without their endings.

    The pages of a chapter follow the one that they belong to.
    """
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in contents["parts"] for chapter in part["chapters"]]
    return [contents["root"], *(page for chapter in chapters for page in pages_of(chapter))]


def pages_of(entry: dict[str, Any]) -> Iterator[str]:
    """Return the page of an entry, and then those below it."""
    yield entry["file"]
    for section in entry.get("sections", []):
        yield from pages_of(section)
