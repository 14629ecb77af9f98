"""Exercises of chapter 11: beyond the paper."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nclib.teaching._answers import (
    Example,
    Numbers,
    Unfit,
)
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.common import (
    LESIONS,
    deaths_of,
    first_where,
)
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.minimizer import global_minimizer
from nclib.theory.spectrum import Spectrum


@asks(
    "11-a.1",
    Numbers("the lambda of the tie"),
    "With kappa^2 = 1, N = 2 and mu = 1/2: at the tie theta = (L-1)^(L-1) / L^(2L).",
)
def _tie() -> Solved:
    death = float(deaths_of([1, 1], 3)[0])
    return death, [
        Mistake(
            "counted three penalties instead of four",
            death ** (4 / 3),
            "Three layers and the features: that makes four penalties.",
        ),
        Mistake("gave the power", death**4, "This is lambda to the power 4."),
        Mistake(
            "took two layers",
            float(deaths_of([1, 1], 2)[0]),
            "This is the tie of two layers.",
        ),
        Mistake(
            "took mu = 1, without the 1/N",
            death * 8 ** (1 / 4),
            "mu is kappa squared divided by N.",
        ),
        Mistake(
            "took the end of the valley for the tie",
            death * 4 / 4 ** (3 / 4),
            "There the valley ends. At the tie it is as low as the state with the mode dead.",
        ),
    ]


@asks(
    "11-a.2",
    Numbers("the answers of the network with the mode alive", (2, 2)),
    "At the tie the mode keeps the share (L-1)/L. Add the bias n/N.",
)
def _answers_at_the_tie() -> Solved:
    # Just below the tie the mode is alive in the only minimiser.
    answers = global_minimizer(equal([1, 1], 3, (1 - 1e-9) * float(deaths_of([1, 1], 3)[0])))
    logits = answers.logits()
    share = answers.s[0]
    return logits, [
        Mistake(
            "forgot the bias",
            logits - 0.5,
            "Each column must sum to 1: the bias adds n/N.",
        ),
        Mistake(
            "took the share for the answer",
            [[share, 1 - share], [1 - share, share]],
            "s is the share of the mode. The own class gets (1 + s) / 2.",
        ),
        Mistake(
            "gave the other network",
            np.full((2, 2), 0.5),
            "This is the network with the mode dead.",
        ),
        Mistake(
            "took the share of two layers",
            [[0.75, 0.25], [0.25, 0.75]],
            "This is the tie of two layers, where s = 1/2.",
        ),
        Mistake(
            "took alive for perfect",
            np.eye(2),
            "The mode is alive, but the penalty has taken a part of it.",
        ),
    ]


@asks(
    "11-a.3",
    Numbers("the objective of both networks"),
    "The network with the mode dead has no penalties: sum its four errors.",
)
def _objective_at_the_tie() -> Solved:
    death = float(deaths_of([1, 1], 3)[0])
    objective = global_minimizer(equal([1, 1], 3, death)).objective
    share = global_minimizer(equal([1, 1], 3, (1 - 1e-9) * death)).s[0]
    return objective, [
        Mistake("lost the 1/2", 2 * objective, "The loss is divided by 2N, with N = 2."),
        Mistake("lost the 1/N", 4 * objective, "The loss is divided by 2N, with N = 2."),
        Mistake(
            "counted the fit of the alive network alone",
            objective * (1 - share) ** 2,
            "This is its fit. Its weights and features cost something, too.",
        ),
        Mistake(
            "counted its penalties alone",
            objective * (1 - (1 - share) ** 2),
            "These are its penalties. It does not fit perfectly either.",
        ),
    ]


_EVERY = Given("lam", "every lambda", 6e-4, (4.5e-4, 5e-4, 5.5e-4, 5.8e-4, 6.2e-4, 6.5e-4))


@asks(
    "11-b.1",
    Numbers("the largest number of moles", digits=1e-6),
    "With three layers, all modes alive means all right. Find the last count with six alive modes.",
    (_EVERY,),
)
def _too_many_moles(lam: float = 6e-4) -> Solved:
    def lost(size: int, depth: int = 3) -> bool:
        counts = np.append(size, LESIONS.n[1:])
        return global_minimizer(equal(counts, depth, lam)).alive < 6

    nevi = int(LESIONS.n[0])
    last = first_where(lost, nevi, 10**6) - 1
    return last, [
        Mistake(
            "gave the first number that is too many",
            last + 1,
            "Here one kind is already wrong.",
        ),
        Mistake(
            "gave how many may be added",
            last - nevi,
            "This many may be added. How many are there then?",
        ),
        Mistake(
            "gave the number of all pictures",
            last + LESIONS.N - nevi,
            "This is the number of all pictures. Asked are the moles.",
        ),
        Mistake(
            "took a head of one layer",
            first_where(lambda size: lost(size, 1), nevi, 10**6) - 1,
            "This is where one layer loses a mode. Here are three.",
        ),
    ]


@asks(
    "11-b.2",
    Numbers("the lambda of the layers below which all modes are back", digits=5e-3),
    "A collapse factor t on all penalties multiplies their product by t^4.",
    (_EVERY,),
)
def _rescue(lam: float = 6e-4) -> Solved:
    t = float(deaths_of(np.append(670500, LESIONS.n[1:]), 3, lam).min())
    return lam * t ** (4 / 3), [
        Mistake(
            "moved all four penalties",
            lam * t,
            "This would do for all penalties. The one of the features stays, so the layers must "
            "move further.",
        ),
        Mistake(
            "let one layer do the work of all",
            lam * t**4,
            "Three layers share the work: take the third root.",
        ),
        Mistake(
            "turned the exponent over",
            lam * t ** (3 / 4),
            "Three layers have to do what four penalties did: is the exponent above or below 1?",
        ),
        Mistake(
            "gave the factor",
            t ** (4 / 3),
            "This is the factor. Which lambda is that?",
        ),
    ]


@asks(
    "11-d.1",
    Numbers("the share that the second class needs where M = 12"),
    "Write the lead of the second class over the first with one living mode, and let n_1 grow.",
    (Given("M", "M", 12, (7, 8, 9, 10, 14, 15, 16, 18, 20)),),
)
def _share_of_the_second(M: int = 12) -> Solved:
    def needed(rare: int) -> float:
        # The lead is linear in the share, -1 without the mode in the limit of one huge class.
        counts = ClassCounts([10**15] + [1000] * rare)
        v = Spectrum(counts).V @ np.eye(counts.K)[0]
        large, small = counts.n[0], counts.n[1]
        slope = v[1] * (v[1] - math.sqrt(large / small) * v[0])
        return float((large - small) / counts.N / slope)

    return needed(M), [
        Mistake(
            "counted the large class among the rare ones",
            needed(M - 1),
            f"There are {M} rare classes beside the large one.",
        ),
        Mistake(
            "counted one class too many",
            needed(M + 1),
            f"There are {M + 1} classes, but {M} of them are rare.",
        ),
        Mistake(
            "took the share from which the mode of six layers lives",
            5 / 6,
            "From this share on the mode of six layers lives. Which share is enough for the second "
            "class?",
        ),
        Mistake(
            "took two classes",
            needed(1),
            f"This is the share for one rare class. The mode of {M} has to be shared by all of "
            "them.",
        ),
        Mistake(
            "gave what the mode leaves",
            1 - needed(M),
            "This is how much may be lost. How much has to be kept?",
        ),
    ]


def _tries_to_break(answer: Any) -> str:
    """Look for a class that the rule of 11-d.2 gets wrong, just before each mode dies."""
    try:
        counts = as_counts(answer)
    except (TypeError, ValueError) as error:
        raise Unfit(f"{error}.") from error
    if counts.K != 3:
        raise Unfit(f"You gave {counts.K} classes.")
    if counts.m != 3:
        return "equal counts"
    order = counts.falling_order
    for death in deaths_of(counts, 2):
        best = global_minimizer(equal(counts, 2, (1 - 1e-9) * death))
        right = best.training_accuracy().per_class[order] == 1
        if (right != (np.arange(3) <= best.alive)).any():
            return "broken"
    return "the rule holds"


@asks(
    "11-d.2",
    Example("three class counts, all different, that break the rule", _tries_to_break),
    "Let a program try all counts up to some N, each just before its weaker mode dies.",
)
def _rule_to_break() -> Solved:
    return [30, 3, 2], [
        Mistake(
            "took counts for which the rule holds",
            [5, 3, 2],
            "For these the rule holds, even just before a mode dies. Go on searching: how frequent "
            "must the largest class be?",
        ),
        Mistake(
            "took two equal counts",
            [30, 2, 2],
            "Two counts are equal: then the rule does not say which classes are the largest.",
        ),
    ]
