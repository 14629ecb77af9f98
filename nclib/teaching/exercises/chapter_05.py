"""Exercises of chapter 5: Theorem 4.3."""

from __future__ import annotations

import numpy as np

from nclib.teaching._answers import (
    Array,
    Chosen,
    Function,
    Numbers,
)
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.common import (
    CIFAR,
    LESIONS,
    deaths_of,
    problem_of,
)
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.collapse import collapse_factors
from nclib.theory.minimizer import global_minimizer


@asks(
    "05-a",
    Function("the lambda below which the mode survives", ("n_0",), ((1,), (10,), (1000,))),
    "With kappa^2 = n_0, N = 2 n_0 and L = 2, put everything into the test of the theorem.",
)
def _smallest_deep_head() -> Solved:
    def death(n_0: float) -> float:
        return float(deaths_of([int(n_0)] * 2, 2)[0])

    return death, [
        Mistake(
            "forgot that N = 2 n_0, or the root in the test",
            lambda n_0: (16 * n_0) ** (-1 / 3),
            "Check two things: N is the number of all samples, and for L = 2 there is a square "
            "root in the test.",
        ),
        Mistake(
            "took L for L^2",
            lambda n_0: (32 * n_0) ** (-1 / 3),
            "The test begins with L squared.",
        ),
        Mistake(
            "counted two penalties instead of three",
            lambda n_0: (128 * n_0) ** (-1 / 2),
            "Two layers and the features: that makes three penalties.",
        ),
        Mistake(
            "used the test for one layer",
            lambda n_0: float(deaths_of([int(n_0)] * 2, 1)[0]),
            "This is the answer for one layer.",
        ),
        Mistake(
            "took kappa for kappa^2",
            lambda n_0: (128 * n_0**2) ** (-1 / 3),
            "The test has kappa squared, which is n_0.",
        ),
        Mistake(
            "gave the cube",
            lambda n_0: 1 / (128 * n_0),
            "This is lambda to the power 3.",
        ),
    ]


_LAYERS = Given(
    "lambda_W",
    "lambda_W",
    5e-3,
    (6.5e-3, 7e-3, 7.5e-3, 8e-3, 8.5e-3, 9e-3, 9.5e-3, 1e-2, 1.1e-2, 1.2e-2, 1.5e-2, 1.8e-2),
)


def _margins(lambda_W: float, bias: bool = True) -> Array:
    """Collapse factors of the lesions at the penalties of exercise 05-b."""
    return collapse_factors(problem_of(LESIONS, 3, lambda_W, 1e-5, bias))


def _below_one(factors: Array) -> set[int]:
    """Modes with a factor below 1, numbered from 1."""
    return set((np.flatnonzero(factors < 1) + 1).tolist())


@asks(
    "05-b.1",
    Chosen("the modes that are lost, from 1", tuple(range(1, 8))),
    "A mode is lost if its collapse factor is below 1. The constant mode does not count.",
    (_LAYERS,),
)
def _lost_modes(lambda_W: float = 5e-3) -> Solved:
    lost = _below_one(_margins(lambda_W)[:-1])
    return lost, [
        Mistake(
            "counted the constant mode as lost",
            _below_one(_margins(lambda_W)),
            "Mode 7 is the constant one: with a bias it was never there.",
        ),
        Mistake("numbered the modes from 0", {k - 1 for k in lost}, "Number the modes from 1."),
        Mistake(
            "listed the modes that survive",
            set(range(1, 7)) - lost,
            "These are the modes that survive.",
        ),
        Mistake(
            "took a head of one layer",
            set(),
            "None is lost with one layer. With three it is otherwise.",
        ),
        Mistake(
            "took the classes for the modes, without a bias",
            _below_one(_margins(lambda_W, bias=False)),
            "This is the answer without a bias, where each class is a mode.",
        ),
    ]


@asks(
    "05-b.2",
    Numbers("the number that all penalties are multiplied by", digits=5e-3),
    "After that the smallest collapse factor shall be 2.",
    (_LAYERS,),
)
def _leave_room(lambda_W: float = 5e-3) -> Solved:
    factors = _margins(lambda_W)[:-1]
    weakest, dead = factors.min(), len(_below_one(factors))
    return weakest / 2, [
        Mistake(
            "left no room",
            weakest,
            "Then all survive, but only just. They shall survive a doubling.",
        ),
        Mistake("turned it over", 2 / weakest, "Your number makes the penalties larger."),
        Mistake("multiplied by the reserve", 2 * weakest, "Divide by the reserve."),
        Mistake(
            "halved the penalties, as if all modes were just alive",
            0.5,
            f"{'One mode is' if dead == 1 else f'{dead} modes are'} dead at the start. Halving is "
            f"not {'quite ' if dead == 1 else ''}enough.",
        ),
        Mistake(
            "moved the penalties of the layers alone",
            (weakest / 2) ** (4 / 3),
            "This would do if only the layers' penalties moved. Multiply all of them.",
        ),
        Mistake(
            "took the factor of the constant mode",
            0,
            "No penalty at all is not allowed. Leave the constant mode out.",
        ),
    ]


@asks(
    "05-c",
    Function(
        "the factor by which the valley outlives its mode's death", ("L",), ((1,), (2,), (3,), (6,))
    ),
    "Divide the largest theta of the valley by theta at the death, then ask what a factor on all "
    "lambdas does to theta.",
)
def _way_down() -> Solved:
    def factor(L: float) -> float:
        problem = equal(CIFAR, int(L), 1e-4)
        best = global_minimizer(problem)
        return float(best.stability_limit / collapse_factors(problem)[best.alive - 1])

    return factor, [
        Mistake(
            "gave the ratio of the thetas",
            lambda L: factor(L) ** (L + 1),
            "This is the ratio of theta. Theta moves with the power L + 1 of the factor.",
        ),
        Mistake(
            "took the root of order L",
            lambda L: factor(L) ** ((L + 1) / L),
            "There are L layers and the features: the root has order L + 1.",
        ),
        Mistake(
            "turned the ratio over",
            lambda L: 1 / factor(L),
            "The valley lives longer than its mode: the factor is at least 1.",
        ),
        Mistake(
            "took the ratio of alpha",
            lambda L: factor(L) ** ((L + 1) / L) / L ** (1 / L) if L > 1 else 2.0,
            "Theta is (alpha / L) to the power L. Work with theta on both sides.",
        ),
    ]
