"""Exercises of chapter 7: networks."""

from __future__ import annotations

import numpy as np

from nclib.metrics import measure
from nclib.teaching._answers import (
    Array,
    Chosen,
    Decision,
    Numbers,
)
from nclib.teaching.exercises.common import (
    CIFAR,
    LESIONS,
    LETTERS,
    problem_of,
)
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.collapse import collapse_factors
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import Minimizer, global_minimizer, local_minima
from nclib.training.paper import LAMBDA_H, LAMBDA_W

_LAYERS = Given(
    "lambda_W",
    "the penalty of the layers",
    LAMBDA_W,
    (2e-4, 2.4e-4, 2.8e-4, 3.2e-4, 3.6e-4, 4e-4),
)


@asks(
    "07-a.1",
    Numbers("the room until a mode dies, for a head of three layers"),
    "nclib.collapse_factors gives the factor for each mode. Which mode dies first?",
    (_LAYERS,),
)
def _room_for_three_layers(lambda_W: float = LAMBDA_W) -> Solved:
    factors = collapse_factors(problem_of(LESIONS, 3, lambda_W, LAMBDA_H))[:-1]
    room = factors.min()
    return room, [
        Mistake(
            "took the minimum over all K modes",
            0,
            "With a bias the last mode is the constant one, which was never alive. Leave it out.",
        ),
        Mistake(
            "waited until the last mode died",
            factors.max(),
            "Here the strongest mode dies, the last of all. Asked is the first.",
        ),
        Mistake(
            "left out the bias",
            collapse_factors(problem_of(LESIONS, 3, lambda_W, LAMBDA_H, bias=False)).min(),
            "This is right for a model without bias. Here there is one.",
        ),
        Mistake(
            "took a head of one layer",
            collapse_factors(problem_of(LESIONS, 1, lambda_W, LAMBDA_H))[:-1].min(),
            "This is the room of one layer. Here are three.",
        ),
        Mistake(
            "gave the factor on the product of all penalties",
            room**4,
            "So much may the product of the four penalties grow. How much may each?",
        ),
        Mistake(
            "let the layers alone grow",
            room ** (4 / 3),
            "So much may lambda_W grow alone. Asked is a factor on lambda_H as well.",
        ),
    ]


@asks(
    "07-a.2",
    Numbers("the factors that make the room 3, for one, three and six layers", (3,)),
    "What does a factor on all penalties do to the room?",
    (_LAYERS,),
)
def _room_of_three(lambda_W: float = LAMBDA_W) -> Solved:
    rooms = np.array(
        [
            collapse_factors(problem_of(LESIONS, depth, lambda_W, LAMBDA_H))[:-1].min()
            for depth in (1, 3, 6)
        ]
    )
    return rooms / 3, [
        Mistake(
            "turned the ratio over",
            3 / rooms,
            "In all three cases the room is above 3 now, so the penalties may grow.",
        ),
        Mistake("gave the room", rooms, "This is the room as it is. It shall be 3."),
        Mistake(
            "multiplied by 3",
            3 * rooms,
            "This is far beyond the first death. A room of 3 leaves a factor of 3 to it.",
        ),
        Mistake(
            "went up to a difference of 3",
            rooms - 3,
            "The room is a factor: divide, do not subtract.",
        ),
        Mistake(
            "put the factor on the product of all penalties",
            (rooms / 3) ** [2, 4, 7],
            "This is the factor on the product of all penalties. What is it for each of them?",
        ),
    ]


def _printed_floor(counts: ClassCounts, depth: int, lambda_W: float, bias: bool) -> float | None:
    """Measure the exact optimum by the printed NC2^WH."""
    best = global_minimizer(problem_of(counts, depth, lambda_W, LAMBDA_H, bias))
    Ws, H_bar, b = best.weights()
    features = np.repeat(H_bar.T, counts.n, axis=0)
    labels = np.repeat(np.arange(counts.K), counts.n)
    return measure(features, labels, Ws, b, best, reading="as_printed").nc2_wh


def _printed_floors(counts: ClassCounts, lambda_W: float, bias: bool = True) -> Array:
    floors = [_printed_floor(counts, depth, lambda_W, bias) for depth in (1, 3, 6)]
    return np.array(floors, dtype=float)


@asks(
    "07-b.1",
    Numbers("the floors for the letters, for one, three and six layers", (3,), digits=2e-3),
    "Measure the exact optimum, as the chapter does for CIFAR-10. In the corrected reading it "
    'would be 0: say reading="as_printed".',
    (_LAYERS,),
)
def _floors_of_letters(lambda_W: float = LAMBDA_W) -> Solved:
    floors = _printed_floors(LETTERS, lambda_W)
    return floors, [
        Mistake(
            "took the floors of CIFAR-10",
            _printed_floors(CIFAR, lambda_W),
            "These are the floors for CIFAR-10, which the chapter prints. Take the letters.",
        ),
        Mistake(
            "left out the bias",
            _printed_floors(LETTERS, lambda_W, bias=False),
            "These are the floors without a bias. The networks of this chapter have one.",
        ),
        Mistake(
            "listed the deepest head first",
            floors[::-1],
            "The right numbers in the wrong order: one layer first.",
        ),
        Mistake("squared the norm", floors**2, "The metric is a norm, not its square."),
    ]


@asks(
    "07-b.2",
    Numbers("the two ends of the interval of factors", (2,), ordered=False),
    "The floor is 0 where one mode is left alone. When does the second die, and when the first?",
    (_LAYERS,),
)
def _alone(lambda_W: float = LAMBDA_W) -> Solved:
    problem = problem_of(LETTERS, 3, lambda_W, LAMBDA_H)
    deaths = np.unique(collapse_factors(problem)[:-1])[::-1]
    one_layer = np.unique(collapse_factors(problem_of(LETTERS, 1, lambda_W, LAMBDA_H))[:-1])[::-1]
    return deaths[:2], [
        Mistake(
            "stopped when the twenty rare letters were gone",
            deaths[2:],
            "Between these the modes of the frequent letters live, and they have different kappas.",
        ),
        Mistake(
            "left the five letters of 600 alive",
            deaths[1:3],
            "Between these five modes are alive: one of them has a larger kappa than the others.",
        ),
        Mistake(
            "kept all modes alive",
            [1, deaths[-1]],
            "Here all modes are alive, and they have different kappas.",
        ),
        Mistake(
            "took a head of one layer",
            one_layer[:2],
            "These are the deaths for one layer. Here are three.",
        ),
        Mistake(
            "gave the penalties",
            deaths[:2] * lambda_W,
            "These are values of lambda_W. Asked is the factor on all penalties.",
        ),
        Mistake(
            "gave the factors on the product of all penalties",
            deaths[:2] ** 4,
            "These are factors on the product of the four penalties. What are they for each?",
        ),
    ]


_DIGITS = ClassCounts([100] * 5 + [20] * 5)


def _digits(factor: float = 3.5, depth: int = 3, bias: bool = True) -> Minimizer:
    """Return the optimum for the digits of chapter 7, with all penalties times `factor`."""
    return global_minimizer(problem_of(_DIGITS, depth, factor * 5e-3, factor * 5e-4, bias))


@asks(
    "07-c.1",
    Numbers("the number of modes that are alive"),
    "Give the counts and the multiplied penalties to nclib.global_minimizer.",
)
def _modes_of_digits() -> Solved:
    return _digits().alive, [
        Mistake(
            "forgot to multiply the penalties",
            _digits(1).alive,
            "So many are alive with the penalties of the chapter. Multiply them all by 3.5.",
        ),
        Mistake(
            "left out the bias",
            _digits(bias=False).alive,
            "Without a bias each of the five frequent digits is a mode. Here there is a bias.",
        ),
        Mistake(
            "lost only one mode of the rare digits",
            8,
            "The four modes among the rare digits are equally strong, so they die together.",
        ),
    ]


@asks(
    "07-c.2",
    Chosen("the digits that share a mean", tuple(range(10))),
    "Look at merged_classes() of the optimum.",
)
def _merged_digits() -> Solved:
    (merged,) = _digits().merged_classes()
    return set(merged), [
        Mistake(
            "merged the frequent digits",
            set(range(10)) - set(merged),
            "These are the digits that stay apart. Which modes are weaker than theirs?",
        ),
        Mistake(
            "thought that weak modes merge no classes",
            set(),
            "All modes among some digits are dead. What tells these digits apart then?",
        ),
        Mistake(
            "merged all digits",
            set(range(10)),
            "Some modes are alive, and they tell some digits apart.",
        ),
        Mistake(
            "gave one digit for one dead mode",
            {max(merged)},
            "A digit alone cannot share a mean. Equal counts have equal modes: they die together.",
        ),
    ]


@asks(
    "07-c.3",
    Numbers("the training accuracy"),
    "Which digits are right, and what is their share of all samples?",
)
def _accuracy_of_digits() -> Solved:
    accuracy = _digits().training_accuracy()
    n, rare = _DIGITS.n, _DIGITS.n == _DIGITS.n.min()
    return accuracy.overall, [
        Mistake(
            "took the mean over the digits",
            accuracy.per_class.mean(),
            "This is the mean over the digits. The frequent ones have more samples.",
        ),
        Mistake(
            "counted a guess among the five rare digits",
            (n * np.where(rare, 1 / rare.sum(), 1)).sum() / n.sum(),
            "The merged digits do not compete among themselves: the bias speaks for the frequent "
            "ones, and wins.",
        ),
        Mistake(
            "counted a guess among all ten digits",
            (n * np.where(rare, 1 / _DIGITS.K, 1)).sum() / n.sum(),
            "A mean of 0 leaves the bias alone to decide. Is it the same for all ten?",
        ),
        Mistake(
            "gave the share that is wrong",
            1 - accuracy.overall,
            "This is the share that is wrong.",
        ),
        Mistake(
            "forgot to multiply the penalties",
            _digits(1).training_accuracy().overall,
            "So it is with the penalties of the chapter. Multiply them all by 3.5.",
        ),
        Mistake("gave percent", 100 * accuracy.overall, "Give a share of 1, not percent."),
    ]


@asks(
    "07-c.4",
    Decision("with the warm-up the collapse is certain"),
    "Is there a local minimum in which more modes are alive?",
)
def _certain() -> Solved:
    best = _digits()
    more = any(minimum.alive > best.alive for minimum in local_minima(best.problem))
    return not more, [
        Mistake(
            "thought that a warm-up can save any mode",
            more,
            "It can save a mode while the branch with that mode exists. List the local minima at "
            "the full penalties: how many modes has the last one?",
        ),
    ]
