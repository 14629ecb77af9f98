"""Exercises of chapter 10: the proofs."""

from __future__ import annotations

from functools import cache

import numpy as np

from nclib.teaching._answers import (
    Chosen,
    Function,
    Numbers,
)
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.common import (
    CIFAR,
    LESIONS,
    problem_of,
    scaled_function,
)
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.minimizer import Minimizer, global_minimizer
from nclib.theory.shrinkage import (
    lemma_a2_alpha,
    lemma_a2_stationary,
)


@asks(
    "10-a",
    Numbers("f_hat at sigma = (0, 0)"),
    "Put E = 0 and W = 0 into f_hat itself.",
)
def _constant_by_hand() -> Solved:
    pair = equal([1, 1], 1, 0.1, bias=False)
    nothing = np.zeros((2, 2))
    f_hat = pair.objective([nothing], nothing)
    term = 0.1 / (2 * 0.2) + 0.1 / 2 * 0.2
    return f_hat, [
        Mistake(
            "forgot to take the constant away",
            2 * term,
            "This is the sum with the constant in it. Put E = W = 0 into f_hat to see which is "
            "right.",
        ),
        Mistake("stopped after one mode", term, "This is one of two equal terms."),
        Mistake(
            "lost 1/N",
            f_hat * 2,
            "The fit is divided by 2N, and N = 2.",
        ),
        Mistake(
            "gave the constant",
            2 * term - f_hat,
            "This is the constant, the difference of both sides.",
        ),
        Mistake(
            "took nothing for no cost",
            0,
            "W and H are 0, but then the labels are not fitted at all.",
        ),
    ]


_LAYERS = Given("lambda_W", "lambda_W", 0.005, (0.0045, 0.0055, 0.006, 0.007, 0.008, 0.009))


@cache
def _well_paired(lambda_W: float) -> Minimizer:
    """Return the minimiser of exercise 10-b."""
    return global_minimizer(problem_of(LESIONS, 2, lambda_W, 0.0001))


@asks(
    "10-b.1",
    Numbers("how much worse the worst order is"),
    "Only the mixed term changes with the order. Which order makes kappa @ z smallest?",
    (_LAYERS,),
)
def _worst_order(lambda_W: float = 0.005) -> Solved:
    best = _well_paired(lambda_W)
    kappa, z, N, minimum = best.kappa, best.z, LESIONS.N, best.objective
    worse = kappa @ (z - z[::-1]) / N
    return worse, [
        Mistake(
            "gave the objective of the worst order",
            worse + minimum,
            "This is the objective of the worst order. How much is it above the minimum?",
        ),
        Mistake(
            "kept 1/(2N) before the mixed term",
            worse / 2,
            "The square has twice the mixed term.",
        ),
        Mistake("left out 1/N", worse * N, "The fit is divided by N."),
        Mistake(
            "gave the ratio",
            (worse + minimum) / minimum,
            "This is a ratio. Give the difference.",
        ),
        Mistake(
            "swapped only the first and the last mode",
            (kappa[0] - kappa[-1]) * (z[0] - z[-1]) / N,
            "Swapping the first and the last is not the worst yet.",
        ),
    ]


@asks(
    "10-b.2",
    Chosen("the two modes, one of them alive, that are cheapest to swap", tuple(range(1, 8))),
    "Compute (kappa_i - kappa_j)(z_i - z_j) / N for every pair with an alive mode.",
    (_LAYERS,),
)
def _cheapest_swap(lambda_W: float = 0.005) -> Solved:
    best = _well_paired(lambda_W)
    kappa, z = best.kappa, best.z
    cost = {
        (i, j): (kappa[i] - kappa[j]) * (z[i] - z[j])
        for i in range(best.alive)
        for j in range(i + 1, 7)
    }
    i, j = min(cost, key=lambda pair: cost[pair])
    near = int(np.argmin(kappa[:-1] - kappa[1:]))
    dead = "Both are dead, so that costs nothing. Take a pair with an alive mode."
    return {i + 1, j + 1}, [
        Mistake("numbered the modes from 0", {i, j}, "Number the modes from 1."),
        Mistake("looked for the nearest kappa alone", {near + 1, near + 2}, dead),
        Mistake("took the two weakest modes", {6, 7}, dead),
        Mistake(
            "took the strongest pair",
            {1, 2},
            "This pair is the dearest of the neighbours: both differences are large.",
        ),
    ]


@asks(
    "10-b.3",
    Function(
        "what it costs to swap modes i and j",
        ("kappa_i", "kappa_j", "z_i", "z_j", "N"),
        ((3.0, 2.0, 2.5, 1.0, 10), (5.0, 1.0, 4.0, 0.0, 7)),
    ),
    "Write down the mixed terms before and after, and subtract.",
)
def _price_of_a_swap() -> Solved:
    def price(kappa_i: float, kappa_j: float, z_i: float, z_j: float, N: float) -> float:
        return (kappa_i - kappa_j) * (z_i - z_j) / N

    return price, [
        Mistake(
            "kept 1/(2N)", scaled_function(1 / 2, price), "The square has twice the mixed term."
        ),
        Mistake(
            "took before minus after",
            scaled_function(-1, price),
            "The sign: swapping makes the objective larger.",
        ),
        Mistake(
            "left out N",
            lambda *case: price(*case) * case[-1],
            "The fit is divided by N.",
        ),
        Mistake(
            "swapped one mode and not the other",
            lambda kappa_i, kappa_j, z_i, z_j, N: kappa_i * (z_i - z_j) / N,
            "Mode j gets another z as well.",
        ),
    ]


@asks(
    "10-c",
    Numbers("z_2 on the hill"),
    "nclib.theory.lemma_a2_stationary gives the x of the hill and of the valley. Then z = kappa "
    "x^L / (1 + x^L).",
    (Given("lam", "every lambda", 2e-3, (1e-3, 1.2e-3, 1.4e-3, 1.6e-3, 1.8e-3, 2.2e-3, 2.4e-3)),),
)
def _on_the_hill(lam: float = 2e-3) -> Solved:
    problem = equal(CIFAR, 3, lam)
    best = global_minimizer(problem)
    kappa = best.kappa[1]
    hill = float(lemma_a2_stationary(lemma_a2_alpha(kappa, problem), 3)[0])
    share = hill**3 / (1 + hill**3)
    return kappa * share, [
        Mistake(
            "took the valley",
            best.z[1],
            "This is the valley, where the global minimum has mode 2. The hill is the smaller x.",
        ),
        Mistake("gave x", hill, "This is x. Turn it into z."),
        Mistake("gave the share", share, "This is the share s = z / kappa."),
        Mistake(
            "took x for the share",
            kappa * hill,
            "x is not the share: s = x^L / (1 + x^L).",
        ),
        Mistake(
            "used x instead of x^L",
            kappa * hill / (1 + hill),
            "For three layers it is x to the power 3.",
        ),
    ]
