"""What every explorable is: a chart over a table, with a slider for some of the columns.

nclib computes the table at every position of the sliders. The page looks things up and draws, so it
needs no kernel and no network. The look and the behaviour in the page are in explorables.js and
explorables.css, beside this file.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib.resources import files
from typing import Any, Generic, TypeVar

import altair as alt
import numpy as np
import vl_convert
from IPython.core.getipython import get_ipython

from nclib.views import style

T = TypeVar("T", int, float, str)

Picture = alt.Chart | alt.LayerChart | alt.FacetChart
"""What an explorable draws. (For Altair, layers with a filter may be facets, too.)"""

State = tuple[Any, ...]
"""One value for each slider."""

DIGITS = 6
"""Significant digits of the numbers in a table."""

STATIC_WIDTH = 480
"""Width in pixels of the picture of the default state: readable when a phone shrinks it."""

CROSS = "M-.7,-.7L.7,.7M-.7,.7L.7,-.7"
"""Shape of the mark of what is dead."""

DEPTH_SCALE = alt.Scale(domain=list(style.DEPTH_COLORS), range=list(style.DEPTH_COLORS.values()))
"""Colour of each depth, as in the figures."""

CONFIG: dict[str, Any] = {
    # Text and axes take the colour of the text around the chart, in light and dark.
    "background": "transparent",
    "font": "Liberation Sans, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "gridColor": "currentColor",
        "gridOpacity": 0.15,
        "labelFontSize": 13,
        "titleFontSize": 14,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "legend": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "orient": "top",
    },
    "title": {"color": "currentColor", "fontSize": 14, "anchor": "start"},
    "header": {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 13},
    "text": {"color": "currentColor", "fontSize": 13},
    "rule": {"color": "currentColor"},
}
"""The look of every chart."""


def rounded(value: Any) -> Any:
    """Round a number to the digits of a table; whole numbers, text and None stay as they are."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    number = float(f"{value:.{DIGITS}g}")
    if not math.isfinite(number):
        raise ValueError(f"a cell of a table must be finite, or None; got {value}")
    return number


def geometric(low: float, high: float, number: int) -> tuple[float, ...]:
    """Positions of a slider in equal ratios, rounded to three digits so that they read well."""
    return tuple(float(f"{value:.3g}") for value in np.geomspace(low, high, number))


def plain(value: float | str) -> str:
    """Write a number without an exponent: 0.00012."""
    if isinstance(value, float):
        return np.format_float_positional(value, trim="-")
    return str(value)


@dataclass(frozen=True)
class Slider(Generic[T]):
    """A control, and the column of the table whose value it sets.

    Parameters
    ----------
    name : str
        Name of the column, of the parameter in the chart and in the page's address.
    label : str
        What readers see.
    values : sequence of int, float or str
        Its positions. A table is computed with these very numbers. Numbers make a slider, text
        makes a list to choose from.
    default : int, float or str
        The position at first.
    """

    name: str
    label: str
    values: Sequence[T]
    default: T

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(map(rounded, self.values)))
        if self.default not in self.values:
            raise ValueError(f"default must be one of the values of {self.name}: {self.default!r}")

    @property
    def param(self) -> alt.Parameter:
        """The parameter of the chart. Without explorables.js it is bound to a list of choices."""
        bind = alt.binding_select(
            options=list(self.values), labels=list(map(plain, self.values)), name=self.label
        )
        return alt.param(name=self.name, value=self.default, bind=bind)


@dataclass(frozen=True)
class Handle:
    """A line or a mark of the picture that readers may drag: it moves sliders.

    It stands where the rows of the table say that it is in each state. Dragged, it takes the
    sliders to the state whose row is nearest to the pointer.

    Parameters
    ----------
    moves : sequence of str
        Names of the sliders that it moves. The others stay.
    x : str
        Column with its place along the picture.
    where : mapping of str to str or number
        Columns, and the values in them that tell its rows from others: one for each state.
    y : str or int, optional
        Column with its height, or its distance from the upper edge in pixels. Without, it is a
        line, as high as the picture.
    scale : str
        Name of the scale along the picture, where there are several.
    """

    moves: Sequence[str]
    x: str
    where: Mapping[str, str | int]
    y: str | int | None = None
    scale: str = "x"


def chosen(*sliders: Slider[Any]) -> str:
    """Return the filter that keeps the rows of the state that the sliders are in."""
    return " && ".join(f"datum.{slider.name} === {slider.name}" for slider in sliders)


def states(sliders: Iterable[Slider[Any]]) -> list[State]:
    """Return every state, the last slider moving fastest."""
    return list(itertools.product(*(slider.values for slider in sliders)))


@dataclass(frozen=True, eq=False, repr=False)
class Explorable:
    """Something to move that works in a page without a kernel.

    A notebook shows it as HTML. Where a reader runs the notebook, that HTML brings its scripts
    along; stored in a notebook or built into a page it leaves them out, because the site has them.

    Parameters
    ----------
    name : str
        Short name in lower case, with hyphens: key in the address of the page.
    question : str
        The question that it answers, printed above the chart.
    alt_text : str
        What the picture of the default state shows, for readers who don't see it.
    sliders : sequence of Slider
        Its controls, in order.
    table : mapping of str to sequence
        Columns of the table, one for each slider among them; rounded to 6 significant digits.
    picture : altair.Chart or altair.LayerChart
        A single view, or layers, without data and parameters of its own: it draws the table, and
        may name the sliders in its expressions (see `chosen`).
    summaries : mapping of tuple to str
        For each of the `states` one sentence that says what is seen. The positions of the sliders
        stand beside it: it need not repeat them.
    handles : sequence of Handle
        What may be dragged in the picture.
    plays : str
        Name of the slider that a button moves from end to end; none if empty.

    Raises
    ------
    ValueError
        If the parts do not fit together; the message says how.
    """

    name: str
    question: str
    alt_text: str
    sliders: Sequence[Slider[Any]]
    table: Mapping[str, Sequence[Any]]
    picture: Picture
    summaries: Mapping[State, str]
    handles: Sequence[Handle] = ()
    plays: str = ""

    def __post_init__(self) -> None:
        table = {name: tuple(map(rounded, column)) for name, column in self.table.items()}
        if len({len(column) for column in table.values()}) != 1:
            raise ValueError(f"columns of {self.name} must have the same length")
        if missing := [slider.name for slider in self.sliders if slider.name not in table]:
            raise ValueError(f"table of {self.name} must have the columns {', '.join(missing)}")
        if self.summaries.keys() != set(states(self.sliders)):
            raise ValueError(f"summaries of {self.name} must be one for each of its states")
        names = {slider.name for slider in self.sliders}
        if unknown := {*(name for h in self.handles for name in h.moves), self.plays} - {
            *names,
            "",
        }:
            raise ValueError(f"sliders of {self.name} must be {names}; got {unknown} to move")
        object.__setattr__(self, "table", table)

    @property
    def chart(self) -> Picture:
        """The chart with its data: what Altair's own tools take."""
        chart: Picture = self._chart_without_data.copy(deep=False)
        chart.datasets = {"table": self._rows}
        return chart

    @functools.cached_property
    def _chart_without_data(self) -> Picture:
        chart: Picture = (
            self.picture.properties(
                data=alt.NamedData("table"), description=self.alt_text, width="container"
            )
            .add_params(*(slider.param for slider in self.sliders))
            .configure(**CONFIG)
        )
        return chart

    @functools.cached_property
    def _spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self._chart_without_data.to_dict()
        # Where on the web the schema is described; it has Altair's version in its name.
        del spec["$schema"]
        return spec

    @property
    def _rows(self) -> list[dict[str, Any]]:
        rows = zip(*self.table.values(), strict=True)
        return [dict(zip(self.table, row, strict=True)) for row in rows]

    @functools.cached_property
    def static(self) -> str:
        """Picture of the default state, SVG."""
        spec = self._spec | {
            "datasets": {"table": self._rows},
            "width": STATIC_WIDTH,
            "autosize": {"type": "fit-x", "contains": "padding"},
        }
        svg = vl_convert.vegalite_to_svg(spec)
        # Pages may hold several pictures, and an id must be there once. Vega counts ids on through
        # all that one process draws.
        for number, old in enumerate(re.findall(r'(?<=\sid=")[^"]+', svg)):
            svg = re.sub(rf'(?<=\sid="|url\(#){old}\b', f"{self.name}-{number}", svg)
        return svg.replace("<svg", f'<svg role="img" aria-label="{escape(self.alt_text)}"', 1)

    def html(self, *, scripts: bool) -> str:
        """Write it as HTML, with the scripts that bring it to life or without."""
        content = {
            "spec": self._spec,
            "rows": len(next(iter(self.table.values()))),
            "columns": {name: _packed(tuple(column)) for name, column in self.table.items()},
            **_distinct([self.summaries[state] for state in states(self.sliders)]),
            "handles": [asdict(handle) for handle in self.handles],
            "plays": self.plays,
        }
        default = tuple(slider.default for slider in self.sliders)
        positions = ", ".join(f"{slider.label}: {plain(slider.default)}" for slider in self.sliders)
        notebook = " data-notebook" if scripts else ""
        return f"""\
<div class="nc-explorable" id="explorable-{self.name}" data-name="{self.name}"{notebook}>
<p class="nc-question">{escape(self.question)}</p>
<figure class="nc-static">
{self.static}
<figcaption>{escape(f"{positions}. {self.summaries[default]}")}</figcaption>
</figure>
<script type="application/json">
{_json(content)}
</script>
</div>
{live_parts() if scripts else ""}"""

    def _repr_html_(self) -> str:
        return self.html(scripts=_has_reader())

    def __repr__(self) -> str:
        return f"Explorable({self.name!r})"


@functools.cache
def vega_script() -> str:
    """Return the script that draws charts: Vega with all it needs, 0.9 MB."""
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # It is written as a module, but modules don't load from the file system.
    return f"window.vegaEmbed || (() => {{\n{bundle}\n}})();\n"


def asset(name: str) -> str:
    """Return the text of explorables.js or explorables.css."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return text + _theme_rules() if name == "explorables.css" else text


def _theme_rules() -> str:
    """Return rules by which a page's theme sets the colours that mean something."""
    return "".join(
        f'\n.nc-explorable svg [{part}="{color}"] {{\n  {part}: var(--nc-{name}, {color});\n}}\n'
        for color, name in style.VARIABLES.items()
        if color not in style.GROUNDS
        for part in ("fill", "stroke")
    )


def live_parts() -> str:
    """Everything that a page of the book has and a notebook's output lacks."""
    scripts = f"{vega_script()}{asset('explorables.js')}"
    # Inside a string of the script this would end the element.
    scripts = scripts.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return f"<style>\n{asset('explorables.css')}</style>\n<script>\n{scripts}</script>"


def _has_reader() -> bool:
    """Whether a frontend asks, such as JupyterLab: they say which cell they run, tools don't."""
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and "cellId" in kernel.get_parent().get("metadata", {})


def _packed(column: tuple[Any, ...]) -> Any:
    """Write a column that repeats itself in the shortest of three ways.

    As it is; each value `each` times, all of them over and over; each its own number of `times`.
    """
    runs = [(value, len(list(run))) for value, run in itertools.groupby(column)]
    each = math.gcd(*(length for _, length in runs))
    values = column[::each]
    period = next(
        period
        for period in range(1, len(values) + 1)
        if len(values) % period == 0 and values == values[:period] * (len(values) // period)
    )
    ways = (
        column,
        {"of": values[:period], "each": each},
        {"of": [value for value, _ in runs], "times": [length for _, length in runs]},
    )
    return min(ways, key=lambda way: len(json.dumps(way)))


def _distinct(sentences: Sequence[str]) -> dict[str, Any]:
    """Keep each sentence once, and for each state the number of its sentence."""
    number = {sentence: i for i, sentence in enumerate(dict.fromkeys(sentences))}
    return {"sentences": list(number), "said": [number[sentence] for sentence in sentences]}


def _json(content: Any) -> str:
    """Write JSON that may stand inside a script element, with a line for each of its parts."""
    parts = (
        f"{json.dumps(key)}: {json.dumps(part, separators=(',', ':'), allow_nan=False)}"
        for key, part in content.items()
    )
    return "{\n" + ",\n".join(parts).replace("<", "\\u003c") + "\n}"
