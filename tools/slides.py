"""Write slides for the lesson and for each week of the unit, out of the built book.

``make slides`` runs this and writes an HTML file for each deck into ``_build/slides``. It opens
from anywhere without a network: reveal.js, MathJax, Vega, typefaces, pictures and what moves are
inside.

``book/slides.yml`` says what stands on which slide. Nearly all words come from the chapters, and
what the teaching page says is for the speaker. A part that is not there, or that could be two
things, ends in an error that names what there is.
"""

import base64
import copy
import json
import re
import sys
from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from bs4 import BeautifulSoup, Tag

from nclib._files import write_whole

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
SLIDES = ROOT / "_build" / "slides"
PLAN = ROOT / "book" / "slides.yml"

NPM = ROOT / "node_modules"
HERE = Path(__file__).parent

# The page with the plans.
TEACHING = "teaching"

HEADING = re.compile("^h[1-6]$")
# A part of a section is named by its kind, by its id, or by the words that it begins with.
KIND = re.compile(r"(picture|list|moving|table)(?: (\d+))?")

# In the order in which a deck loads them; a script only where the slides have what it is for.
STYLES = ("reveal.css", "fonts.css", "explorables.css", "nclib.css", "slides.css")
SCRIPTS = {
    "drawing.js": "data-moving",
    "theory.js": "data-moving",
    "front-box.js": 'data-moving="box"',
    "live.js": 'data-moving="live"',
    "pictures.js": 'data-moving="picture"',
    "vega.js": "nc-explorable",
    "explorables.js": "nc-explorable",
    "tex-svg.js": "",
    "reveal.js": "",
    "notes.js": "",
    "slides.js": "",
}
# Of everything else the site has its own.
ELSEWHERE = {
    "reveal.css": NPM / "reveal.js" / "dist",
    "reveal.js": NPM / "reveal.js" / "dist",
    "notes.js": NPM / "reveal.js" / "dist" / "plugin",
    "tex-svg.js": NPM / "mathjax" / "es5",
    "slides.css": HERE,
    "slides.js": HERE,
}
# slides.js says when. A formula in the notes, which go to another window, has its letters with it.
MATHJAX = {
    "options": {"processHtmlClass": "tex2jax_process|mathjax_process|math|output_area"},
    "startup": {"typeset": False},
    "svg": {"fontCache": "local"},
}


class SlidesError(ValueError):
    """A deck that cannot be made; the message says what is missing."""


def words(tag: Tag) -> str:
    """Return the text of a part of a page, with single spaces."""
    return " ".join(tag.get_text().split())


def has_class(tag: Tag, *names: str) -> bool:
    """Whether it has one of these classes."""
    return not set(names).isdisjoint(tag.get_attribute_list("class"))


def attribute(tag: Tag, name: str) -> str:
    """Return an attribute, empty where there is none."""
    return str(tag.get(name, ""))


def heading(section: Tag) -> str:
    """Return the first heading in a part of a page, without the sign that links to it."""
    title = copy.copy(section.find_all(HEADING)[0])
    for link in title.find_all("a", class_="headerlink"):
        link.decompose()
    # The ten screens are numbered among themselves.
    return re.sub(r"^\d+ · ", "", words(title))


class Page:
    """A page of the built book."""

    def __init__(self, name: str) -> None:
        path = SITE / "book" / f"{name}.html"
        if not path.is_file():
            raise SlidesError(f"there is no page {name!r} in {path.parent}: run `make book`")
        text = path.read_text(encoding="utf-8")
        (self.article,) = BeautifulSoup(text, "html.parser").select("article.bd-article")
        self.name = name

    @cached_property
    def title(self) -> str:
        """Its heading."""
        return heading(self.article)

    def section(self, name: str) -> Tag:
        """Return a section by its address."""
        known = {attribute(one, "id"): one for one in self.article.select("section[id]")}
        if name not in known:
            raise SlidesError(f"{self.name} has no section {name!r}; it has {', '.join(known)}")
        return known[name]

    def solution(self, exercise: str) -> list[Tag]:
        """Return what the solution of an exercise says, and what its code puts out."""
        for box in self.article.find_all("div", class_="solution"):
            if box.find("a", href=f"#{exercise}"):
                return blocks(box.section or box)
        raise SlidesError(f"{self.name} has no solution of {exercise}")


def blocks(section: Tag) -> list[Tag]:
    """List what stands in a section by itself: paragraphs, formulas, boxes, entries of lists."""
    found: list[Tag] = []
    for child in section.find_all(recursive=False):
        if child.name in ("ul", "ol"):
            found += child.find_all("li", recursive=False)
        elif child.name not in ("section", "span") and not HEADING.match(child.name):
            found.append(child)
    return found


def of_kind(section: Tag, kind: str) -> list[Tag]:
    """List the pictures, the lists, the tables, or what moves in a section."""
    children = [child for child in section.find_all(recursive=False) if child.name != "section"]
    if kind == "list":
        return [child for child in children if child.name in ("ul", "ol")]
    if kind == "moving":
        return [child for child in children if has_class(child, "nc-moving")]
    if kind == "table":
        return [found for child in children if (found := child.find("table"))]
    return [found for child in children for found in child.find_all("figure", class_="nc-figure")]


def part(section: Tag, wanted: str) -> Tag:
    """Find a part of a section.

    Raises
    ------
    SlidesError
        If there is none, or more than one.
    """
    if named := KIND.fullmatch(wanted):
        found, known = of_kind(section, named[1]), f"{named[1]} 1, {named[1]} 2, ..."
        if named[2]:
            found = found[int(named[2]) - 1 : int(named[2])]
    elif by_id := section.find(id=wanted):
        return by_id
    else:
        found = [block for block in blocks(section) if words(block).startswith(wanted)]
        known = "; ".join(repr(words(block)[:50]) for block in blocks(section))
    if len(found) != 1:
        raise SlidesError(f"{section['id']} has {len(found)} parts {wanted!r}; there are {known}")
    return found[0]


def cleaned(tag: Tag) -> Tag:
    """Copy a part of a page without what is of use in the book alone."""
    tag = copy.copy(tag)
    for gone in tag.select(
        "script, .headerlink, .eqno, .nc-answer, .nc-static, .still, details.nc-code"
    ):
        if not (gone.name == "script" and gone.get("type") == "application/json"):
            gone.decompose()
    for link in tag.find_all("a", href=True):
        if not attribute(link, "href").startswith("http"):
            link.unwrap()
    for image in [tag] if tag.name == "img" else tag.find_all("img"):
        data = (SITE / "book" / attribute(image, "src")).resolve().read_bytes()
        image["src"] = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    for one in [tag, *tag.find_all(True)]:
        # Parts of a drawing refer to each other.
        if one.name != "form" and one.find_parent("svg") is None:
            del one["id"]
        # For reveal.js it would be a slide of its own.
        if one.name == "section":
            one.name = "div"
    if tag.name == "li":
        tag.name = "div"
    return tag


def inside(tag: Tag) -> str:
    """Write what is in a part of a page."""
    return cleaned(tag).decode_contents()


class Deck:
    """One set of slides, by what `book/slides.yml` says of it."""

    def __init__(self, name: str, told: Mapping[str, Any]) -> None:
        self.name = name
        self.told = told
        self._pages: dict[str, Page] = {}
        self.plan = self.page(TEACHING).section(told["plan"])
        self.title = heading(self.plan)

    def page(self, name: str) -> Page:
        """Return a page, which is read once."""
        if name not in self._pages:
            self._pages[name] = Page(name)
        return self._pages[name]

    def moments(self, fragment: str) -> list[tuple[str, str]]:
        """List the states in which the plan shows something: in words, and as a query."""
        found = []
        for link in self.plan.find_all("a", href=True):
            address, _, place = attribute(link, "href").partition("#")
            if place == fragment and "?" in address:
                found.append((words(link), address.partition("?")[2]))
        return found

    def row(self, minutes: str) -> Tag:
        """Return what the plan says of some minutes of the lesson."""
        rows = [row.find_all("td") for row in self.plan.select("tbody tr")]
        for first, second, *_ in rows:
            if words(first) == minutes:
                return second
        known = ", ".join(words(row[0]) for row in rows)
        raise SlidesError(f"{self.name} has no minutes {minutes!r}; there are {known}")

    def thing(self, tag: Tag) -> str:
        """Write a picture, or something that moves, with the moments at which the plan shows it."""
        shown, moments = cleaned(tag), self.moments(attribute(tag, "id"))
        if has_class(tag, "nc-explorable"):
            # The address belongs to the slides.
            shown["data-notebook"] = ""
            if moments:
                shown["data-state"] = moments[0][1]
        buttons = "".join(
            f'<button type="button" data-moment="{escape(query)}">{escape(text)}</button> '
            for text, query in moments
        )
        return f"{shown}<p class='moments'>{buttons}</p>" if buttons else str(shown)

    def slide(self, told: Mapping[str, Any]) -> str:
        """Write one slide, and what is for the speaker."""
        name, _, place = told["from"].partition("#")
        page = self.page(name)
        section = page.section(place)
        notes = []
        if "minutes" in told:
            minutes = told["minutes"]
            notes.append(f"<p><b>Minutes {minutes}.</b> {inside(self.row(minutes))}</p>")
        read, seen = [], []
        for wanted in told["show"]:
            tag = part(section, wanted)
            if tag.name == "form" or has_class(tag, "nc-figure", "nc-moving", "nc-explorable"):
                seen.append(self.thing(tag))
            else:
                read.append(str(cleaned(tag)))
            if has_class(tag, "exercise"):
                notes.append("<p><b>Solution.</b></p>")
                notes += (str(cleaned(one)) for one in page.solution(attribute(tag, "id")))
        notes += (str(cleaned(part(section, wanted))) for wanted in told.get("tell", ()))
        if "note" in told:
            notes.append(f"<p>{escape(told['note'])}</p>")
        title = heading(section)
        above = "" if page.name == TEACHING or page.title == title else escape(page.title)
        columns = "".join(
            f'<div class="{kind}">{"".join(some)}</div>'
            for kind, some in (("read", read), ("seen", seen))
            if some
        )
        head = f'<p class="above">{above}</p><h2>{escape(title)}</h2>'
        return written(f'{head}<div class="body">{columns}</div>', notes)

    def first(self) -> str:
        """Write the slide with the title."""
        book = self.page("intro").title
        notes = [str(cleaned(part(self.plan, wanted))) for wanted in self.told["tell"]]
        shown = f'<h1>{escape(self.title)}</h1><p class="above">{escape(book)}</p>{KEYS}'
        return written(f'<div class="cover">{shown}</div>', notes)

    def html(self) -> str:
        """Write the whole file."""
        slides = "\n".join([self.first(), *map(self.slide, self.told["slides"])])
        scripts = [name for name, use in SCRIPTS.items() if use in slides]
        head = [
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(self.title)}</title>",
            *(f"<style>\n{style(name)}\n</style>" for name in STYLES),
        ]
        body = [
            f'<div class="reveal"><div class="slides">\n{slides}\n</div></div>',
            f"<script>window.MathJax = {json.dumps(MATHJAX)};</script>",
            *(f"<script>\n{script(name)}\n</script>" for name in scripts),
        ]
        return HTML.format(head="\n".join(head), body="\n".join(body))


KEYS = '<p class="keys">S: notes for the speaker. F: full screen. O: all slides. ?: more keys.</p>'

HTML = """<!DOCTYPE html>
<html lang="en" data-theme="light">
<head>
{head}
</head>
<body>
{body}
</body>
</html>
"""


def written(slide: str, notes: Iterable[str]) -> str:
    """Write a slide with its notes."""
    told = f'<aside class="notes">{"".join(notes)}</aside>'
    return f'<section>\n<div class="slide">{slide}</div>\n{told}\n</section>'


def path_of(name: str) -> Path:
    """Return where a script or a style is."""
    path = ELSEWHERE.get(name, SITE / "_static") / name
    if not path.is_file():
        raise SlidesError(f"there is no {path}: install Node, then run `make book`")
    return path


def style(name: str) -> str:
    """Return a style sheet with the typefaces that it names."""
    path = path_of(name)

    def packed(found: re.Match[str]) -> str:
        data = base64.b64encode((path.parent / found[1]).read_bytes()).decode()
        return f"url(data:font/woff2;base64,{data})"

    return re.sub(r"url\((fonts/[\w.-]+)\)", packed, path.read_text(encoding="utf-8"))


def script(name: str) -> str:
    """Return a script that may stand inside of a page."""
    text = path_of(name).read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def decks() -> dict[str, Deck]:
    """Return all decks by name."""
    told = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
    return {name: Deck(name, deck) for name, deck in told.items()}


def write(folder: Path = SLIDES, names: Container[str] | None = None) -> list[Path]:
    """Write decks into a folder, all of them or those of the names, and return the files.

    Raises
    ------
    SlidesError
        If the book is not built, or a part of it that a deck shows is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, deck in decks().items():
        if names is not None and name not in names:
            continue
        paths.append(folder / f"{name}.html")
        write_whole(paths[-1], deck.html().encode())
    return paths


def main() -> int:
    """Write the decks of the book that `make book` has built."""
    try:
        for path in write():
            print(f"{path.stat().st_size / 1e6:.1f} MB: {path}")
    except SlidesError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
