"""Figures as SVG that a page can fit to its reader: theme, letters, wide or narrow.

What matplotlib writes has one colour for each thing, letters of one face, identifiers that are the
same in every figure, and numbers finer than any screen. Here text stays text, colours become
variables that a page may set (``var(--nc-ink, #1a1a1a)``; where none is set the colour is the one
drawn), and the file is the same at every run.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"

FACE = "DejaVu Sans, Verdana, sans-serif"
"""The letters where a page says nothing else; the first is what the figures are measured in."""

RASTER_DPI = 192
"""Maps of many cells are stored as pixels: twice those of an ordinary screen."""

_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    # Identifiers would else be drawn at random.
    "svg.hashsalt": "nclib",
    "savefig.dpi": RASTER_DPI,
}

_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))

# Where a number may stand that is measured in points.
_MEASURES = ("d", "x", "y", "width", "height", "transform", "points")

# What formulas of the figures are made of.
_SIGNS = {
    r"\alpha": "α",
    r"\cdot": "·",
    r"\dots": "…",
    r"\kappa": "κ",
    r"\lambda": "λ",
    r"\prime": "\N{PRIME}",
    r"\rho": "\N{GREEK SMALL LETTER RHO}",
    r"\rightarrow": "→",
    r"\sigma": "σ",
    # Logarithmic axes of less than a decade have 2 x 10^-3 at their ticks.
    r"\times": "\N{THIN SPACE}\N{MULTIPLICATION SIGN}\N{THIN SPACE}",
    r"\,": "\N{THIN SPACE}",
    "'": "\N{PRIME}",
    "=": "\N{THIN SPACE}=\N{THIN SPACE}",
    "-": "\N{MINUS SIGN}",
    ",": ",\N{THIN SPACE}",
}
_UPRIGHT = (r"\mathbf", r"\mathdefault", r"\operatorname")
_RAISED = {"^": 0.36, "_": -0.2}
_SMALL = 0.72

_WORDS = (f"{{{SVG}}}text", f"{{{SVG}}}tspan")

# What is so where nothing is said: at the root, or by the standard.
_USUAL = ("font-weight: normal", "font-weight: 400", "text-anchor: start", "stroke-linejoin: round")

_GREY = 0.02
"""So far apart the red, green and blue of a grey may be."""


def svg(forms: Mapping[str, Figure], variables: Mapping[str, str]) -> str:
    """Write a figure with all its forms into one file.

    Parameters
    ----------
    forms : mapping of str to matplotlib.figure.Figure
        The same figure in several shapes, by the class that each has in the file. Who opens the
        file sees the first, on white; a page takes out the one that fits.
    variables : mapping of str to str
        Name of the variable for each colour, ``"#rrggbb"``. A grey that is not named becomes a
        mixture of ink and paper; any other colour stays as it is.

    Returns
    -------
    str
        An `svg` element that holds one for each form, of which the first alone is displayed.
    """
    ET.register_namespace("", SVG)
    outer = ET.Element(f"{{{SVG}}}svg")
    paper = ET.SubElement(outer, f"{{{SVG}}}rect")
    paper.attrib = {"width": "100%", "height": "100%", "fill": "#ffffff"}
    for name, figure in forms.items():
        one = _form(name, figure, variables)
        if len(outer) == 1:
            outer.set("viewBox", one.get("viewBox", ""))
            width, height = outer.get("viewBox", "").split()[2:]
            outer.set("width", f"{width}pt")
            outer.set("height", f"{height}pt")
        else:
            one.set("display", "none")
        outer.append(one)
    return ET.tostring(outer, encoding="unicode")


def _form(name: str, figure: Figure, variables: Mapping[str, str]) -> ET.Element:
    """Write one form, with identifiers that begin with its name."""
    with mpl.rc_context(_RC), _named_texts(figure) as texts:
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata=_NO_METADATA)
    root = ET.fromstring(file.getvalue())
    for child in list(root):
        # Its style would hold for the whole page; the metadata are empty.
        if child.tag.endswith("metadata") or child.find(f"{{{SVG}}}style") is not None:
            root.remove(child)
    for group in root.iter(f"{{{SVG}}}g"):
        if (text := texts.get(group.get("id", ""))) is not None:
            _set_lines(group, text)
    _rename(root, name)
    for element in root.iter():
        _dress(element, variables)
    _simplify(root)
    root.attrib = {
        "class": name,
        "viewBox": _rounded(root.get("viewBox", "")),
        "font-family": FACE,
        "stroke-linejoin": "round",
        # Black is what matplotlib leaves unsaid.
        "style": f"fill: {_color('#000000', variables)[-1]}",
    }
    return root


def lay_out(figure: Figure) -> None:
    """Find where axes and the numbers at them go, in half of the time that a drawing takes."""
    layout = figure.get_layout_engine()
    if layout is None:
        figure.draw_without_rendering()
    else:
        layout.execute(figure)


# ---------------------------------------------------------------- text


@contextmanager
def _named_texts(figure: Figure) -> Iterator[dict[str, Text]]:
    """Give an identifier to each text that is set anew: formulas, and lines that are not flush."""
    lay_out(figure)
    texts = {
        f"text-{number}": text
        for number, text in enumerate(cast("list[Text]", figure.findobj(Text)))
        if "$" in text.get_text() or "\n" in text.get_text()
    }
    for name, text in texts.items():
        text.set_gid(name)
    try:
        yield texts
    finally:
        for text in texts.values():
            text.set_gid(None)


def _set_lines(group: ET.Element, text: Text) -> None:
    """Set a text line by line: each by the point where the text is held, whatever its letters.

    matplotlib places lines, and all signs of a formula, by the widths of its own letters.
    """
    font = text.get_fontproperties()
    size = font.get_size_in_points()
    anchor, share = {"left": ("start", 0.0), "center": ("middle", 0.5), "right": ("end", 1.0)}[
        text.get_horizontalalignment()
    ]
    lines = [line for line in text.get_text().split("\n") if line]
    for old, line in zip(list(group), lines, strict=True):
        width, _, _ = text_to_path.get_text_width_height_descent(line, font, "$" in line)
        heights = [
            float(span.get("y", 0))
            for span in old.iter(f"{{{SVG}}}tspan")
            if f"font-size: {size:g}px" in span.get("style", "")
        ]
        weight = font.get_weight()
        new = ET.Element(
            f"{{{SVG}}}text",
            {
                "transform": old.get("transform", ""),
                "x": str(share * width),
                "y": str(heights[0] if heights else 0),
                "style": f"font-size: {size:g}px; font-weight: {weight}; text-anchor: {anchor}; "
                f"fill: {to_hex(text.get_color())}",
            },
        )
        _set_spans(new, line)
        group[group[:].index(old)] = new


def _set_spans(element: ET.Element, line: str) -> None:
    """Write a line, with its formulas between dollar signs, as spans of text."""
    before = 0.0
    for number, part in enumerate(line.split("$")):
        tokens = re.findall(r"\\[a-zA-Z]+|\\.|.", part)
        for words, raised, slanted in _spans(tokens) if number % 2 else [(part, 0.0, False)]:
            if not words:
                continue
            span = ET.SubElement(element, f"{{{SVG}}}tspan")
            span.text = words
            size = _SMALL if raised else 1.0
            # In units of its own letters; after a raised one back to the line.
            if raised != before:
                span.set("dy", f"{(before - raised) / size:.3f}em")
            if raised:
                span.set("font-size", f"{_SMALL}em")
            if slanted:
                span.set("font-style", "italic")
            before = raised


Span = tuple[str, float, bool]


def _spans(tokens: list[str], raised: float = 0.0, upright: bool = False) -> list[Span]:
    """Take tokens up to the brace that closes; return words, how high they are, and if slanted.

    Raises
    ------
    ValueError
        If a command is none of those known here.
    """
    found: list[Span] = []

    def argument(raised: float, upright: bool) -> list[Span]:
        while (first := tokens.pop(0)) == " ":
            pass
        return _spans(tokens if first == "{" else [first], raised, upright)

    while tokens and (token := tokens.pop(0)) != "}":
        if token in _RAISED:
            more = argument(_RAISED[token], upright)
        elif token in _UPRIGHT:
            more = argument(raised, True)
        elif token == "{":
            more = _spans(tokens, raised, upright)
        elif token == r"\hat":
            (letter, height, slanted), *others = argument(raised, upright)
            more = [(letter + "\N{COMBINING CIRCUMFLEX ACCENT}", height, slanted), *others]
        elif token == " ":  # LaTeX does not show it either
            continue
        else:
            word = _SIGNS.get(token, token)
            if word.startswith("\\"):
                raise ValueError(f"{token} must be one of {', '.join([*_SIGNS, *_UPRIGHT])}")
            more = [(word, raised, word.isalpha() and not upright)]
        for words, height, slanted in more:
            begun = found.pop()[0] if found and found[-1][1:] == (height, slanted) else ""
            found.append((begun + words, height, slanted))
    return found


# ---------------------------------------------------------------- what a page needs


def _rename(root: ET.Element, name: str) -> None:
    """Keep only the identifiers that something refers to, and number them."""
    wanted: dict[str, str] = {}
    for element in root.iter():
        for key, value in element.attrib.items():
            for old in re.findall(r"url\(#(.+?)\)", value) + (
                [value[1:]] if key == _HREF and value[0] == "#" else []
            ):
                wanted.setdefault(old, f"{name}-{len(wanted) + 1}")
    for element in root.iter():
        if (old := element.attrib.pop("id", None)) in wanted:
            element.set("id", wanted[old])
        for key, value in list(element.attrib.items()):
            if key == _HREF:
                del element.attrib[key]
                element.set("href", f"#{wanted[value[1:]]}" if value[0] == "#" else value)
            else:
                element.set(key, re.sub(r"#(.+?)\)", lambda hit: f"#{wanted[hit[1]]})", value))


def _simplify(element: ET.Element) -> None:
    """Take out what is not seen, and groups that say nothing."""
    children: list[ET.Element] = []
    for child in element:
        _simplify(child)
        child.text, child.tail = (child.text if child.tag in _WORDS else None), None
        style = child.get("style", "")
        unseen = child.tag == f"{{{SVG}}}path" and style == "fill: none"
        marks = child.findall(f"{{{SVG}}}use")
        looks = {mark.get("style", "") for mark in marks}
        # Many marks of one look: it is said once. What they are all together is not see-through.
        if len(marks) == len(child) > 1 == len(looks) and "opacity" not in next(iter(looks)):
            child.set("style", looks.pop())
            for mark in marks:
                del mark.attrib["style"]
        empty = child.tag in (f"{{{SVG}}}g", f"{{{SVG}}}defs") and not len(child)
        if child.tag == f"{{{SVG}}}g" and not child.attrib:
            children += child
        elif not (unseen or empty):
            children.append(child)
    element[:] = children


def _dress(element: ET.Element, variables: Mapping[str, str]) -> None:
    """Round the numbers of an element, and write its colours and letters with variables."""
    for key in _MEASURES:
        if key in element.attrib:
            element.set(key, _rounded(element.get(key, "")))
    if re.fullmatch(r"rotate\(-?0 .*\)", element.get("transform", "")):
        del element.attrib["transform"]
    declarations = []
    for said in filter(None, element.attrib.pop("style", "").split("; ")):
        name, _, value = said.partition(": ")
        if name in ("fill", "stroke"):
            declarations += [f"{name}: {one}" for one in _color(value, variables)]
        elif name == "font-size":
            # A page whose letters are narrower may set them larger.
            declarations.append(f"{name}: calc(var(--nc-letters, 1) * {value})")
        elif name == "stroke-dasharray" or name.endswith(("width", "offset", "opacity")):
            declarations.append(f"{name}: {_rounded(value)}")
        # Of faces there is one, for all.
        elif name != "font-family" and said not in _USUAL:
            declarations.append(said)
    if declarations:
        element.set("style", "; ".join(declarations))


def _rounded(text: str) -> str:
    """Round numbers to hundredths of a point: finer than can be seen, and the same everywhere."""
    text = re.sub(r"-?\d+\.\d+(?:e-?\d+)?", lambda hit: f"{round(float(hit[0]), 2) + 0.0:g}", text)
    return " ".join(text.split())


def _color(value: str, variables: Mapping[str, str]) -> list[str]:
    """Return what to declare for a colour: where there are two, the second if it is understood."""
    if not value.startswith("#"):
        return [value]
    if value in variables:
        return [f"var(--nc-{variables[value]}, {value})"]
    red, green, blue = to_rgb(value)
    if max(red, green, blue) - min(red, green, blue) > _GREY:
        return [value]
    ink, paper = (one for one in variables if variables[one] in ("ink", "paper"))
    share = (1 - red) / (1 - to_rgb(ink)[0])
    mixture = f"var(--nc-ink, {ink}) {min(share, 1):.0%}, var(--nc-paper, {paper})"
    return [value, f"color-mix(in srgb, {mixture})"]
