"""Pack the built book into one zip that opens from the file system, without any network.

``make zip`` runs this. The same site gives the same bytes.
"""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
NAME = "neural-collapse-book"

# The earliest that a zip can hold.
MOMENT = (1980, 1, 1, 0, 0, 0)


def pack(site: Path, target: Path) -> None:
    """Write a site, in one folder, into a zip, without the index that only a server can use.

    Raises
    ------
    ValueError
        If the site is not built, or would need the network for its formulas.
    """
    if not (site / "index.html").is_file():
        raise ValueError(f"there is no book in {site}: run `make book`")
    if not (site / "_static" / "mathjax").is_dir():
        raise ValueError("the book has no MathJax of its own: install Node, then run `make book`")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(site.rglob("*")):
            name = path.relative_to(site)
            if path.is_file() and not name.name.startswith(".") and name.parts[0] != "pagefind":
                entry = zipfile.ZipInfo(f"{NAME}/{name.as_posix()}", MOMENT)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())


def main() -> int:
    """Pack the book that `make book` has built."""
    target = SITE.parent / f"{NAME}.zip"
    try:
        pack(SITE, target)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target.stat().st_size / 1e6:.1f} MB: {target}")
    print(f"Unpack it anywhere, and open {NAME}/index.html.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
