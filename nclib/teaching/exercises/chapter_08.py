"""Exercises of chapter 8: networks without a bias."""

from __future__ import annotations

from functools import cache

import numpy as np

from nclib.teaching._answers import (
    Array,
    Chosen,
    Decision,
    Numbers,
)
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.common import (
    CIFAR,
    RAREST,
    deaths_of,
    lesions,
    problem_of,
)
from nclib.teaching.exercises.register import Mistake, Solved, asks
from nclib.theory.descent import sweep_lambdas
from nclib.theory.minimizer import global_minimizer, local_minima
from nclib.theory.problem import Problem
from nclib.training.paper import LAMBDA_H, LAMBDA_W


def _six_layers() -> Problem:
    """Return the problem of exercise 08-a."""
    return problem_of(CIFAR, 6, LAMBDA_W, LAMBDA_H, bias=False)


@asks(
    "08-a.1",
    Numbers("the number of modes that are alive"),
    "nclib.local_minima lists a minimum for each number of modes. Which objective is the nearest?",
)
def _nearest_prefix() -> Solved:
    minima = local_minima(_six_layers())
    nearest = min(minima, key=lambda minimum: abs(minimum.objective - 0.0370))
    below = [minimum for minimum in minima if minimum.training_accuracy().overall < 0.9667]
    return nearest.alive, [
        Mistake(
            "took the global minimum",
            global_minimizer(_six_layers()).alive,
            "The global minimum has all modes, and a lower objective. Look at the other minima.",
        ),
        Mistake(
            "took the last minimum of a lower accuracy",
            below[-1].alive,
            "Compare the objective, not the accuracy: the closed form counts guesses.",
        ),
        Mistake(
            "gave the number of dead modes",
            CIFAR.K - nearest.alive,
            "So many are dead. How many are alive?",
        ),
    ]


@asks(
    "08-a.2",
    Chosen("the classes that may have lost their mode, from 1", tuple(range(1, 11))),
    "The weakest mode is dead. Which classes have the smallest count?",
)
def _concerned() -> Solved:
    rare = set((np.flatnonzero(CIFAR.n == CIFAR.n.min()) + 1).tolist())
    return rare, [
        Mistake(
            "took the last of the list for the weakest",
            {CIFAR.K},
            "Another class has the same count. Which of the two loses is left open.",
        ),
        Mistake("numbered the classes from 0", {k - 1 for k in rare}, "Number them from 1."),
        Mistake(
            "took the strongest modes",
            set((np.flatnonzero(CIFAR.n == CIFAR.n.max()) + 1).tolist()),
            "Without a bias kappa is the root of n_k. These are the strongest.",
        ),
        Mistake(
            "took the classes of 200 as well",
            set((np.flatnonzero(CIFAR.n <= 200) + 1).tolist()),
            "Modes die from the weakest on, and only one is dead.",
        ),
    ]


_DEPTHS = (1, 2, 3, 6)


@cache
def _lesion_deaths(rarest: int, which: int = -1, bias: bool = True) -> Array:
    """Lambda at which a mode of the lesions dies, by depth; the first to die by default."""
    return np.array(
        [np.sort(deaths_of(lesions(rarest), depth, bias=bias))[::-1][which] for depth in _DEPTHS]
    )


@cache
def _branch_factors(rarest: int) -> Array:
    """How much longer than its optimum the branch with all modes lives, by depth."""
    start = 1 - 1e-9
    ends = [
        global_minimizer(equal(lesions(rarest), depth, start * death)).stability_limit
        for depth, death in zip(_DEPTHS, _lesion_deaths(rarest), strict=True)
    ]
    return start * np.array(ends)


@asks(
    "08-b.1",
    Numbers("the lambda at which the first mode dies, for L = 1, 2, 3, 6", (4,)),
    "With lambda = 1 for everything, nclib.collapse_factors gives the lambda at which each mode "
    "dies.",
    (RAREST,),
)
def _deaths_by_depth(rarest: int = 115) -> Solved:
    deaths = _lesion_deaths(rarest)
    return deaths, [
        Mistake(
            "waited until the last mode died",
            _lesion_deaths(rarest, 0),
            "Here the strongest mode dies, the last of all. Asked is the first.",
        ),
        Mistake(
            "took the minimum over all K modes",
            np.zeros(4),
            "With a bias the last mode is the constant one, which was never alive. Leave it out.",
        ),
        Mistake(
            "left out the bias",
            _lesion_deaths(rarest, bias=False),
            "This is right for a model without bias. Here there is one.",
        ),
        Mistake(
            "gave the product of all penalties",
            deaths ** [2, 3, 4, 7],
            "These are the products of all penalties. Asked is the one lambda that all equal.",
        ),
        Mistake(
            "took the end of the branch",
            deaths * _branch_factors(rarest),
            "So long can a network keep the mode. In the optimum it dies before.",
        ),
    ]


@asks(
    "08-b.2",
    Numbers("the lambda up to which a network can keep it, for L = 1, 2, 3, 6", (4,)),
    "The stability_limit of a minimum with all modes alive is a factor on its penalties.",
    (RAREST,),
)
def _ends_by_depth(rarest: int = 115) -> Solved:
    deaths, factors = _lesion_deaths(rarest), _branch_factors(rarest)
    return deaths * factors, [
        Mistake(
            "took the death in the optimum",
            deaths,
            "Here the mode dies in the optimum. The branch lives longer, for two layers and more.",
        ),
        Mistake("gave the factors", factors, "These are the factors. At which lambda is that?"),
        Mistake(
            "divided by the factors",
            deaths / factors,
            "The branch ends after the death in the optimum, not before.",
        ),
        Mistake(
            "put the factor on the product of all penalties",
            deaths * factors ** [2, 3, 4, 7],
            "The factor is already one on each penalty, and not on their product.",
        ),
        Mistake(
            "followed the strongest mode",
            _lesion_deaths(rarest, 0) * factors,
            "So long lives the strongest mode. Asked is the one that dies first.",
        ),
    ]


@asks(
    "08-b.3",
    Numbers(
        "by which share of the global minimum the objective is higher, for L = 2, 3, 6",
        (3,),
        digits=0.01,
    ),
    "It is most at the end of the branch. Compare the last of nclib.local_minima there with the "
    "first of all, the global one.",
    (RAREST,),
)
def _price_of_keeping(rarest: int = 115) -> Solved:
    ends = _lesion_deaths(rarest) * _branch_factors(rarest)
    kept, lowest = [], []
    for depth, end in zip(_DEPTHS[1:], ends[1:], strict=True):
        late = equal(lesions(rarest), depth, (1 - 1e-6) * end)
        kept.append(local_minima(late)[-1].objective)
        lowest.append(global_minimizer(late).objective)
    high, low = np.array(kept), np.array(lowest)
    price = high / low - 1
    return price, [
        Mistake("gave the ratio", high / low, "This is the ratio. How much is it above 1?"),
        Mistake("gave percent", 100 * price, "Give a share of 1, not percent."),
        Mistake("gave the difference", high - low, "Divide the difference by the minimum."),
        Mistake(
            "looked at the death, where both are equal",
            np.zeros(3),
            "At the death both are equally good. Go on to the end of the branch.",
        ),
    ]


@asks(
    "08-c",
    Decision("the dead mode returns"),
    "Start nclib.theory.sweep_lambdas from the prefix without the weakest mode, and count the "
    "modes.",
)
def _does_it_return() -> Solved:
    problem = problem_of([60, 40, 8], 3, 2e-2, 2e-3, bias=False)
    start = local_minima(problem)[2]
    # Fewer steps than in the solution: whoever has an answer checked waits for this.
    swept = sweep_lambdas(start, np.geomspace(1e-3, 1, 4), max_steps=2_000)
    returned = bool(np.count_nonzero(swept.z[-1] > 0.1 * start.kappa) > start.alive)
    return returned, [
        Mistake(
            "thought that tiny penalties bring it back",
            not returned,
            "Then the hill is low, but it is there. What pulls at a mode that is exactly 0?",
        ),
    ]
