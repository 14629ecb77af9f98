"""Free input where a kernel runs: type class counts, move a slider, and the figure follows.

A page without a kernel shows the first picture of each sandbox, what it says, and how to run it.
Nothing here computes mathematics.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple

import ipywidgets as widgets
import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from nclib._text import factor_text, modes_are_alive
from nclib.data.pasted import read_pasted
from nclib.theory.collapse import collapse_factors
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.descent import Descent, descend
from nclib.theory.margins import first_loss
from nclib.theory.minimizer import Minimizer, global_minimizer
from nclib.theory.problem import Problem
from nclib.theory.spectrum import Spectrum
from nclib.views import figures, style
from nclib.views.listing import listing

MOST_CLASSES = 1000
"""A picture of more classes than this shows nothing that one of fewer does not."""

MOST_CLASSES_OF_DESCENT = 50
"""With ten layers and this many classes a descent takes seconds."""

_FOUND = 1e-4
"""Relative gap below which a descent has found the optimum: a part of what the eye can see."""

_HOW_TO_RUN = "*To try your own, open this notebook in JupyterLab (`make lab`) and run it.*"


class Answer(NamedTuple):
    """What a sandbox shows for one setting of its controls.

    Attributes
    ----------
    result : Minimizer, Descent or Spectrum
        What `nclib.theory` computed.
    figure : matplotlib.figure.Figure
        Its picture.
    words : str
        The same in a sentence or two.
    """

    result: Minimizer | Descent | Spectrum
    figure: Figure
    words: str


class Sandbox:
    """Controls, and a figure that follows them; made by the functions of this module.

    Shown at the end of a cell, it is a widget where a kernel runs, and else a picture with words.

    Attributes
    ----------
    controls : dict of str to ipywidgets.Widget
        The controls by the names of the arguments that they stand for. Setting the `value` of one
        from code is the same as moving it.
    answer : Answer or None
        What is shown now; None while the input is bad.
    words : str
        The sentence below the figure: that of the answer, or what is wrong with the input.
    """

    def __init__(self, controls: Mapping[str, Any], answer: Callable[..., Answer]) -> None:
        self.controls = dict(controls)
        self._answer = answer
        self._picture, self._words = widgets.HTML(), widgets.HTML()
        self._redraw()
        for control in self.controls.values():
            control.observe(self._redraw, names="value")

    def _redraw(self, _change: object = None) -> None:
        """Draw what the controls ask for; bad input is told in the words of the library."""
        self.answer: Answer | None
        try:
            self.answer = self._answer(**{name: c.value for name, c in self.controls.items()})
        except (TypeError, ValueError) as error:
            self.answer, self.words = None, str(error)
            self._picture.value = ""
        else:
            self.words = self.answer.words
            image = base64.b64encode(self._png(self.answer.figure)).decode()
            self._picture.value = (
                f'<img alt="{escape(self.words)}" src="data:image/png;base64,{image}" '
                f'style="width: {100 * style.WIDTH:g}px; max-width: 100%">'
            )
        self._words.value = f"<p>{escape(self.words)}</p>"

    @staticmethod
    def _png(figure: Figure) -> bytes:
        """Turn a figure into a picture, and take it from the ones that pyplot would show."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        plt.close(figure)
        return buffer.getvalue()

    def _ipython_display_(self) -> None:
        """Show two things, each as a widget and as what is left of it without a kernel."""
        if self.answer is None:
            raise ValueError(f"nothing to show: {self.words}")
        board = widgets.VBox([*self.controls.values(), self._picture])
        picture = {
            "image/svg+xml": style.drawing(self.answer.figure),
            "text/plain": f"{self!r}\n{listing(self.answer.figure)}",
        }
        words = {"text/markdown": f"{self.words} {_HOW_TO_RUN}", "text/plain": self.words}
        for widget, static in ((board, picture), (self._words, words)):
            display(widget._repr_mimebundle_() | static, raw=True)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return f"Sandbox({', '.join(self.controls)})"


def optimum(
    counts: ClassCounts | ArrayLike,
    depth: int = 3,
    *,
    bias: bool = True,
    lambda_W: float = 5e-4,
    lambda_H: float = 1e-5,
) -> Sandbox:
    """Try which modes and classes the best possible network keeps.

    Parameters
    ----------
    counts : ClassCounts or (K,) array_like of int
        Samples per class at first.
    depth, bias, lambda_W, lambda_H
        As for `Problem`, at first; one `lambda_W` for all layers.

    Returns
    -------
    Sandbox
        Its result is the `Minimizer`.

    Examples
    --------
    >>> box = optimum([500, 500, 100, 100])
    >>> box.answer.result
    Minimizer(global, unique: 3 of 4 modes alive, depth=3, objective=0.00431396)
    >>> box.controls["counts"].value = "500, 0, 100"
    >>> box.words.partition(";")[0]
    'n[1] = 0: class counts are positive whole numbers below 2**53, one per class'
    """

    def answer(counts: str, **problem: Any) -> Answer:
        asked = Problem(_counts(counts, MOST_CLASSES), **problem)
        best = global_minimizer(asked)
        real = int((best.kappa > 0).sum())
        right = int((best.training_accuracy().per_class == 1).sum())
        merged = sum(map(len, best.merged_classes()))
        margin, death = first_loss(asked).factor, float(collapse_factors(asked)[real - 1])
        return Answer(
            best,
            figures.mode_spectra([best], _title(asked.counts)),
            f"{modes_are_alive(best.alive, real)}, {right} of {asked.K} classes "
            f"{'is' if right == 1 else 'are'} classified right, and {merged} have merged with "
            f"another. The first class is lost when all penalties are multiplied by "
            f"{factor_text(margin)}, the first mode dies at {factor_text(death)}.",
        )

    return Sandbox(_problem_controls(counts, depth, bias, lambda_W, lambda_H), answer)


def descent(
    counts: ClassCounts | ArrayLike,
    depth: int = 3,
    *,
    bias: bool = True,
    lambda_W: float = 5e-4,
    lambda_H: float = 1e-5,
    seed: int = 0,
    scale: float = 1.0,
) -> Sandbox:
    """Try where a descent that knows nothing of the theory ends.

    Parameters
    ----------
    counts : ClassCounts or (K,) array_like of int
        Samples per class at first.
    depth, bias, lambda_W, lambda_H
        As for `Problem`, at first; one `lambda_W` for all layers.
    seed, scale
        As for `descend`, at first: which start, and how large. Each descent has one start and one
        feature per class.

    Returns
    -------
    Sandbox
        Its result is the `Descent`.

    Examples
    --------
    >>> box = descent([20, 10, 10], depth=2, lambda_W=1e-3)
    >>> box.words
    'The descent found the optimum. Objective 0.00149242, closed form 0.00149242.'
    >>> box.controls["scale"].value = 0.001
    >>> box.words
    'Modes stuck at zero: 1, 2. Objective 0.3125, closed form 0.00149242.'
    """

    def answer(counts: str, seed: int, scale: float, **problem: Any) -> Answer:
        asked = Problem(_counts(counts, MOST_CLASSES_OF_DESCENT), **problem)
        found = descend(asked, starts=1, seed=seed, scale=scale, class_means=True)
        if found.stuck:
            ends = f"Modes stuck at zero: {', '.join(str(mode + 1) for mode in found.stuck)}."
        elif found.gap < _FOUND * found.best.objective:
            ends = "The descent found the optimum."
        else:
            ends = "The descent ended elsewhere."
        words = f"{ends} Objective {found.objective:.6g}, closed form {found.best.objective:.6g}."
        return Answer(found, figures.descent_path(found), words)

    controls = _problem_controls(counts, depth, bias, lambda_W, lambda_H)
    controls["seed"] = _whole_slider("seed", "another random start", seed, 0, 99)
    controls["scale"] = _log_slider(
        "size of start", "relative to weights that fit the labels", scale, -3, 1
    )
    return Sandbox(controls, answer)


def spectrum(counts: ClassCounts | ArrayLike) -> Sandbox:
    """Try which modes, and how strong, class counts give to the labels of a head with a bias.

    Parameters
    ----------
    counts : ClassCounts or (K,) array_like of int
        Samples per class at first.

    Returns
    -------
    Sandbox
        Its result is the `Spectrum`.

    Examples
    --------
    >>> spectrum([300, 200, 200]).words
    'Strongest mode: κ² = 257.143, largest count 300. Weakest mode: κ² = 200, smallest count 200.'
    """

    def answer(counts: str) -> Answer:
        given = _counts(counts, MOST_CLASSES)
        modes = Spectrum(given)
        strongest, weakest = modes.kappa[0] ** 2, modes.kappa[-2] ** 2
        return Answer(
            modes,
            figures.tail_spectra({_title(given): given}),
            f"Strongest mode: κ² = {strongest:.6g}, largest count {given.values[0]}. "
            f"Weakest mode: κ² = {weakest:.6g}, smallest count {given.values[-1]}.",
        )

    return Sandbox({"counts": _counts_field(counts)}, answer)


def _problem_controls(
    counts: ClassCounts | ArrayLike, depth: int, bias: bool, lambda_W: float, lambda_H: float
) -> dict[str, Any]:
    """Make the controls of a problem, by the names of its arguments."""
    return {
        "counts": _counts_field(counts),
        "depth": _whole_slider("layers L", "linear layers in the head", depth, 1, 10),
        "bias": widgets.Checkbox(bias, **_named("bias", "whether the head has a bias")),
        "lambda_W": _log_slider("λ of layers", "penalty on each layer", lambda_W, -7, 0),
        "lambda_H": _log_slider("λ of features", "penalty on the features", lambda_H, -7, 0),
    }


def _counts_field(counts: ClassCounts | ArrayLike) -> Any:
    """Make the field for counts; one of a single line would run pasted lines together."""
    return widgets.Textarea(
        ", ".join(map(str, as_counts(counts).n)),
        continuous_update=False,
        rows=2,
        **_named("class counts", "samples in each class; press Tab when done"),
    )


def _whole_slider(name: str, about: str, value: int, low: int, high: int) -> Any:
    return widgets.IntSlider(value, low, high, continuous_update=False, **_named(name, about))


def _log_slider(name: str, about: str, value: float, low: int, high: int) -> Any:
    """Make a slider from one power of ten to another."""
    return widgets.FloatLogSlider(
        value,
        min=low,
        max=high,
        step=0.05,
        readout_format=".2g",
        continuous_update=False,
        **_named(name, about),
    )


def _named(name: str, about: str) -> dict[str, Any]:
    """Label a control, and say more to whoever points at the label."""
    return {
        "description": name,
        "tooltip": about,
        "style": {"description_width": "7em"},
        "layout": {"width": "34em", "max_width": "100%"},
    }


def _counts(text: str, most: int) -> ClassCounts:
    """Read counts as people paste them; a text with two readings is refused, and says why."""
    try:
        found = read_pasted(text)
    except ValueError:
        # Of a list the library says better what is wrong.
        ClassCounts([_number(word) for word in re.findall(r"[^\s,;\[\]()]+", text)])
        raise
    if found.note:
        raise ValueError(f"{found.note} Write the bare digits, with a space between two counts.")
    counts = ClassCounts(found.n, found.names)
    if (number := counts.K) > most:
        raise ValueError(f"this sandbox takes up to {most:,} classes; got {number:,}")
    return counts


def _number(word: str) -> float | str:
    """Read a word as a number if it is one; `ClassCounts` says what is wrong with the others."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _title(counts: ClassCounts) -> str:
    return f"{counts.K:,} classes, {counts.N:,} samples"
