"""The exercises that can be checked: what they ask, the right answer, and the usual mistakes.

Each function below computes the right answer to one exercise, and the answers that students reach
by a known mistake. A mistake says how it comes about, and the hint that helps out of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from nclib.data.penalties import translate_penalties
from nclib.data.published import gallery
from nclib.metrics import measure
from nclib.teaching._answers import (
    Array,
    Chosen,
    Decision,
    Directions,
    Example,
    Function,
    Kind,
    Numbers,
    Unfit,
)
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.descent import sweep_lambdas
from nclib.theory.geometry import cosines, mode_coordinates
from nclib.theory.minimizer import (
    Minimizer,
    collapse_factors,
    global_minimizer,
    local_minima,
    two_class_limits,
)
from nclib.theory.prediction import first_loss
from nclib.theory.problem import Problem
from nclib.theory.shrinkage import (
    lemma_a2_alpha,
    lemma_a2_stationary,
    threshold_kappa,
)
from nclib.theory.spectrum import Spectrum, effective_label_matrix


class Mistake(NamedTuple):
    """A typical wrong answer.

    Attributes
    ----------
    why : str
        How a student gets there.
    answer : object
        What comes out.
    hint : str
        What to look at again.
    """

    why: str
    answer: Any
    hint: str


Solved = tuple[Any, list[Mistake]]
"""A right answer, and the usual mistakes."""


@dataclass(frozen=True)
class Exercise:
    """What `check` knows of an exercise, or of one part of it.

    Attributes
    ----------
    name : str
        Label of the exercise without ``ex-``, and the part: ``"05-b.1"``.
    kind : Kind
        What kind of answer it asks for.
    nudge : str
        Hint after a wrong answer that is none of the usual mistakes.
    solve : callable
        Returns the right answer and the mistakes.
    """

    name: str
    kind: Kind
    nudge: str
    solve: Callable[[], Solved]


EXERCISES: dict[str, Exercise] = {}
"""By name, in the order of the book."""


def _asks(
    name: str, kind: Kind, nudge: str
) -> Callable[[Callable[[], Solved]], Callable[[], Solved]]:
    """Register the function below as the solution of an exercise."""

    def register(solve: Callable[[], Solved]) -> Callable[[], Solved]:
        EXERCISES[name] = Exercise(name, kind, nudge, cache(solve))
        return solve

    return register


def _problem(
    counts: ClassCounts | Array | list[int],
    depth: int,
    lambda_W: float,
    lambda_H: float,
    bias: bool = True,
) -> Problem:
    """One lambda for all layers."""
    layers = (lambda_W,) * depth
    return Problem(as_counts(counts), depth, bias, lambda_W=layers, lambda_H=lambda_H)


def _equal(
    counts: ClassCounts | Array | list[int], depth: int, lam: float = 1.0, bias: bool = True
) -> Problem:
    """One lambda for everything."""
    return _problem(counts, depth, lam, lam, bias)


def _deaths(
    counts: ClassCounts | Array | list[int], depth: int, lam: float = 1.0, bias: bool = True
) -> Array:
    """Factor on every lambda at which each mode dies, for the modes that are ever alive."""
    factors = collapse_factors(_equal(counts, depth, lam, bias))
    return factors[factors > 0]


def _first(true: Callable[[int], bool], low: int, high: int) -> int:
    """Find the first whole number from `low` to `high` for which `true` holds; it stays true."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if true(middle) else (middle + 1, high)
    return low


def _wrong(best: Minimizer) -> set[int]:
    """Classes that are not always right, numbered from 1."""
    return set((np.flatnonzero(best.training_accuracy().per_class < 1) + 1).tolist())


def _scaled(factor: float, function: Callable[..., float]) -> Callable[..., float]:
    """Return a function whose values are a multiple of those of another."""
    return lambda *arguments: factor * function(*arguments)


# Chapter 1: collapse

CIFAR = ClassCounts.cifar10_paper()
LETTERS = ClassCounts.emnist_letters_paper()
LESIONS = gallery()["ham10000"].counts


@_asks(
    "01-a",
    Directions(5),
    "Compute the cosines with nclib.cosines: all of them should be -1/(K-1), and all lengths "
    "equal.",
)
def _five_vectors() -> Solved:
    balanced = global_minimizer(_equal([1] * 5, 1, 0.1))
    turns = 2 * np.pi * np.arange(5) / 5
    return mode_coordinates(balanced)[0], [
        Mistake(
            "took the unit vectors as they are",
            np.eye(5),
            "These stand at right angles, their cosines are 0. Vectors with the smallest largest "
            "cosine sum to 0: what can you subtract from each?",
        ),
        Mistake(
            "subtracted 1/(K-1), the size of the cosine, instead of the mean",
            np.eye(5) - 1 / 4,
            "Your vectors do not sum to 0. What is the mean of the five unit vectors?",
        ),
        Mistake(
            "spread them around a circle",
            np.array([np.cos(turns), np.sin(turns)]),
            "In a plane neighbours are close together. Five vectors with equal angles need four "
            "dimensions.",
        ),
        Mistake(
            "subtracted 1, the sum of the unit vectors",
            np.eye(5) - 1,
            "These point into nearly the same direction. Subtract the mean of the unit vectors, "
            "not their sum.",
        ),
    ]


@_asks(
    "01-b.1",
    Numbers("the lambda at which the first mode dies"),
    "With lambda = 1 for everything, nclib.collapse_factors gives the lambda at which each mode "
    "dies.",
)
def _first_death() -> Solved:
    deaths = _deaths(LESIONS, 1)
    return deaths.min(), [
        Mistake(
            "took the minimum over all K modes",
            0,
            "With a bias the last mode is the constant one, which was never alive. Leave it out.",
        ),
        Mistake(
            "took the first in the list, which is the strongest",
            deaths.max(),
            "That is where the last mode dies. Modes are ordered by falling strength.",
        ),
        Mistake(
            "left out the bias",
            _deaths(LESIONS, 1, bias=False).min(),
            "This is right for a model without bias. Here there is one.",
        ),
        Mistake(
            "used the weakest singular value itself",
            Spectrum(LESIONS).kappa[-2],
            "This is the singular value of the labels. What do you have to divide it by?",
        ),
        Mistake(
            "gave the product of both penalties",
            deaths.min() ** 2,
            "This is lambda_W times lambda_H. Asked is the one lambda that both are equal to.",
        ),
    ]


@_asks(
    "01-b.2",
    Chosen("the classes answered wrong at 0.99 times that lambda, from 1", tuple(range(1, 8))),
    "Look at training_accuracy().per_class: which entries are below 1?",
)
def _wrong_while_alive() -> Solved:
    first = _deaths(LESIONS, 1).min()
    wrong = _wrong(global_minimizer(_equal(LESIONS, 1, 0.99 * first)))
    return wrong, [
        Mistake(
            "took alive for right",
            set(),
            "All modes are alive here. But a mode can be alive and too weak to decide for a class.",
        ),
        Mistake(
            "looked at 0.9 instead of 0.99",
            _wrong(global_minimizer(_equal(LESIONS, 1, 0.9 * first))),
            "One class is missing. Did you go up to 0.99?",
        ),
        Mistake(
            "numbered the classes from 0",
            {k - 1 for k in wrong},
            "Number the classes from 1.",
        ),
        Mistake(
            "listed the classes that are right",
            set(range(1, 8)) - wrong,
            "These are the classes that are right.",
        ),
    ]


@_asks(
    "01-c",
    Numbers("the limit of the angle between the rare classes, in degrees"),
    "Put the ratio of the kappas into part 2, and let N / n_1 go to 1.",
)
def _angle_of_rare_classes() -> Solved:
    counts = ClassCounts([10**12, 1, 1])
    best = global_minimizer(_equal(counts, 1, 1e-6 * _deaths(counts, 1).min()))
    half = np.arccos(cosines(mode_coordinates(best)[0])[1, 2]) / 2
    angle = np.degrees(2 * half)
    return angle, [
        Mistake(
            "thought that imbalance alone merges the rare classes",
            0,
            "It does not go to 0: imbalance bends the shape, only the penalty breaks it.",
        ),
        Mistake("gave radians", 2 * half, "Give it in degrees."),
        Mistake("gave half of the angle", angle / 2, "This is half of the angle."),
        Mistake(
            "took the square of the tangent for the tangent",
            2 * np.degrees(np.arctan(np.tan(half) ** 2)),
            "e_k squared is proportional to kappa_k, so the square of the tangent is what you know "
            "first.",
        ),
        Mistake(
            "turned the ratio over",
            180 - angle,
            "The tangent is e_2 / e_1 times a number: mode 2, which sets the rare classes against "
            "each other, is on top.",
        ),
        Mistake(
            "kept the angle of the simplex",
            120,
            "This is the angle for equal counts. Now let n_1 grow.",
        ),
    ]


# Chapter 2: the model and the one rule


@_asks(
    "02-a",
    Numbers("the best z of the mode that is not 0"),
    "Write down kappa first. Then set the derivative of the cost to 0.",
)
def _two_by_hand() -> Solved:
    counts, lam = ClassCounts([3, 1]), 0.01
    kappa, N = Spectrum(counts).kappa[0], counts.N
    return global_minimizer(_equal(counts, 1, lam)).z[0], [
        Mistake(
            "forgot to take the root of the sum of squares",
            kappa**2 - N * lam,
            "The sum of all squares is kappa squared.",
        ),
        Mistake(
            "left out N",
            kappa - lam,
            "The fit is divided by 2N. What does that do to the derivative?",
        ),
        Mistake(
            "left out the root of the product of the penalties",
            kappa - N * lam**2,
            "For one layer the price of z is the root of lambda_W lambda_H, times z.",
        ),
        Mistake(
            "took the labels without centring them",
            np.sqrt(3) - N * lam,
            "This is the answer without a bias. With a bias the labels are centred first.",
        ),
        Mistake("paid no penalty", kappa, "This is kappa. The penalty makes z smaller."),
        Mistake(
            "divided by N instead of multiplying",
            kappa - lam / N,
            "From (kappa - z) / N = the penalty: multiply by N.",
        ),
    ]


@_asks(
    "02-b",
    Numbers("the number of samples at which the first mode dies", digits=0.07),
    "Start at a factor where all 25 modes are alive and one where they are not, and halve.",
)
def _too_much_data() -> Solved:
    factors = _deaths(LETTERS, 2, 5e-4)
    # At fixed proportions the factors fall as N to the power -1/(L+1).
    return LETTERS.N * factors.min() ** 3, [
        Mistake(
            "gave the factor on the counts",
            7.5,
            "This is the factor on the counts. How many samples is that?",
        ),
        Mistake(
            "waited until the last mode died",
            LETTERS.N * factors.max() ** 3,
            "Here the last mode dies. Asked is the first.",
        ),
        Mistake(
            "waited for 26 modes, which never live",
            LETTERS.N,
            "With a bias at most K - 1 = 25 modes are ever alive. For how many did you look?",
        ),
    ]


# Chapter 3: Theorem 4.1


@_asks(
    "03-a",
    Numbers("the two ends of the interval of lambda", (2,), ordered=False),
    "A class is alive if n_k > N^2 lambda_W lambda_H. Which class must just be dead, and which "
    "just be alive?",
)
def _one_threshold() -> Solved:
    n_500, n_400, n_300, n_200 = np.unique(_deaths(CIFAR, 1, bias=False))[:0:-1]
    ends = np.array([n_300, n_400])
    between = _deaths(CIFAR, 1)
    return ends, [
        Mistake(
            "forgot the root",
            ends**2 * CIFAR.N,
            "The test has lambda squared. Take the root of n_k.",
        ),
        Mistake(
            "left out N",
            ends * CIFAR.N,
            "These are roots of counts. Where has N gone?",
        ),
        Mistake(
            "took the classes of 500 and 400 for the ends",
            [n_400, n_500],
            "Between these only the classes of 500 are alive. The classes of 400 shall be, too.",
        ),
        Mistake(
            "stopped one pair too low",
            [n_200, n_300],
            "Between these the classes of 300 are alive as well.",
        ),
        Mistake(
            "gave the interval of the product of both penalties",
            ends**2,
            "This is the interval for lambda_W lambda_H. Here both are one lambda.",
        ),
        Mistake(
            "used the modes of the model with a bias",
            [between[4], between[3]],
            "These are the ends for a model with a bias. In this chapter there is none.",
        ),
    ]


def _class_mean(k: int, lambda_W: float, lambda_H: float) -> float:
    """Length of the mean of one class of the lesions, without bias."""
    best = global_minimizer(_problem(LESIONS, 1, lambda_W, lambda_H, bias=False))
    means = mode_coordinates(best)[0]
    return float(np.linalg.norm(means[:, k]))


@cache
def _peak(lambda_H: float = 1e-4) -> tuple[float, float]:
    """Best lambda_W and height of the first class, by golden section in its logarithm."""
    golden = (np.sqrt(5) - 1) / 2
    low, high = np.log(1e-5), np.log(LESIONS.n[0] / (LESIONS.N**2 * lambda_H))
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _class_mean(0, np.exp(left), lambda_H) < _class_mean(0, np.exp(right), lambda_H):
            low = left
        else:
            high = right
    lambda_W = float(np.exp((low + high) / 2))
    return lambda_W, _class_mean(0, lambda_W, lambda_H)


@_asks(
    "03-b.1",
    Numbers("the height of the peak, a length"),
    "Write the squared length as a parabola in the root of lambda_W.",
)
def _height() -> Solved:
    lambda_W, height = _peak()
    return height, [
        Mistake(
            "gave the square of the length",
            height**2,
            "This is the square of the length.",
        ),
        Mistake(
            "gave the place instead of the height",
            lambda_W,
            "This is the lambda_W at which the most frequent class peaks. How long is its mean "
            "there?",
        ),
        Mistake(
            "forgot the factor 4 of the top of the parabola",
            2 * height,
            "The top of a t - b t^2 is a^2 / (4b).",
        ),
        Mistake(
            "measured the columns of E, which carry the root of n_k",
            height * np.sqrt(LESIONS.n[0]),
            "This is the length times the root of n_k. The class mean has no such factor.",
        ),
    ]


@_asks(
    "03-b.2",
    Numbers("the factor by which it is below the lambda_W at which the class dies"),
    "Find both values of lambda_W for one class, and divide.",
)
def _below_death() -> Solved:
    factor = LESIONS.n[0] / (LESIONS.N**2 * 1e-4) / _peak()[0]
    return factor, [
        Mistake(
            "turned the ratio over",
            1 / factor,
            "This is the ratio the other way round: by which factor is it *below*?",
        ),
        Mistake(
            "compared the roots of lambda_W",
            np.sqrt(factor),
            "The top is half-way in the root of lambda_W. What is that in lambda_W?",
        ),
        Mistake(
            "squared once too often",
            factor**2,
            "You have squared once too often.",
        ),
    ]


@_asks(
    "03-c",
    Function(
        "the two ends between which class k is alive, or None if there are none",
        ("M", "product"),
        ((10_000, 2e-5), (40_000, 1e-6), (12_501, 2e-5), (1_000_000, 1e-7), (1_000_000, 1e-6)),
        returns=2,
        may_be_none=True,
    ),
    "Test your function: at each end n_k = (M + n_k)^2 lambda_W lambda_H must hold.",
)
def _save_a_class() -> Solved:
    def alive_between(M: int, product: float) -> tuple[int, int] | None:
        def alive(n_k: int) -> bool:
            problem = _equal([n_k, M], 1, np.sqrt(product), bias=False)
            return bool(np.sqrt(n_k) > threshold_kappa(problem))

        if not alive(M):
            return None
        return _first(alive, 1, M), _first(lambda n_k: not alive(n_k), M, 10**12)

    def outer(M: float, product: float) -> float:
        return math.sqrt(max((1 / product - 2 * M) ** 2 - 4 * M**2, 0.0))

    def never_none(M: float, product: float) -> tuple[float, float]:
        middle, half = 1 / product - 2 * M, outer(M, product)
        return (middle - half) / 2, (middle + half) / 2

    def unhalved(M: float, product: float) -> tuple[float, float] | None:
        ends = alive_between(int(M), product)
        return ends and (2 * ends[0], 2 * ends[1])

    def without_itself(M: float, product: float) -> tuple[float, float] | None:
        return (M**2 * product, 1 / product) if 4 * M * product < 1 else None

    return alive_between, [
        Mistake(
            "did not look at whether the roots are real",
            never_none,
            "For large M there are no ends: the square root has a negative number under it. "
            "Return None there.",
        ),
        Mistake(
            "forgot that n_k is part of N at the lower end",
            without_itself,
            "N is M + n_k at both ends: collecting more of a class makes N larger, too.",
        ),
        Mistake(
            "forgot the 2 in the denominator of the roots",
            unhalved,
            "Both ends are twice too large: look at the formula for the roots again.",
        ),
        Mistake(
            "took class k for hopeless at every size",
            lambda M, product: None,
            "At n_k = M the left side is largest. Is the class dead there, for small products?",
        ),
    ]


# Chapter 4: Theorem 4.2

_R8 = gallery()["reuters-r8"].counts
_SPOTS = gallery()["mammography"].counts


@_asks(
    "04-a.1",
    Numbers("what the network answers, class by class", (8,)),
    "Nothing is penalised in the bias, so it fits the labels as well as one vector can.",
)
def _blind_answer() -> Solved:
    best = global_minimizer(_equal(_R8, 1))
    return best.logits()[:, 0], [
        Mistake(
            "gave every class the same",
            np.full(8, 1 / 8),
            "This treats all classes alike. The best constant answer is the mean of the labels.",
        ),
        Mistake(
            "answered with the most frequent class",
            np.eye(8)[0],
            "This is how the answer is read, not what it is: the largest entry decides.",
        ),
        Mistake(
            "forgot that the bias stays",
            np.zeros(8),
            "Without a bias the answer would be 0. Here there is one, and it costs nothing.",
        ),
        Mistake(
            "gave the counts",
            _R8.n,
            "These are the counts. The labels are 0 and 1, and so their mean is at most 1.",
        ),
    ]


@_asks(
    "04-a.2",
    Numbers("the training accuracy"),
    "Every text gets the same answer. Which class is that, and what share of the texts is in it?",
)
def _blind_accuracy() -> Solved:
    best = global_minimizer(_equal(_R8, 1))
    accuracy = best.training_accuracy().overall
    share = _R8.n / _R8.N
    return accuracy, [
        Mistake(
            "took it for a random guess",
            1 / 8,
            "This would be guessing. The network always gives the same answer.",
        ),
        Mistake(
            "averaged over classes",
            (share @ share),
            "This would be drawing answers with the frequencies of the classes. But the largest "
            "entry wins every time.",
        ),
        Mistake("gave a percentage", 100 * accuracy, "Give a share between 0 and 1."),
        Mistake("gave the share of errors", 1 - accuracy, "This is the share of errors."),
    ]


@_asks(
    "04-a.3",
    Numbers("the objective"),
    "W and H are 0, so only the fit is left: sum the squares of n/N minus the label.",
)
def _blind_objective() -> Solved:
    objective = global_minimizer(_equal(_R8, 1)).objective
    return objective, [
        Mistake(
            "lost the factor 1/2 of the loss",
            2 * objective,
            "The loss is divided by 2N.",
        ),
        Mistake(
            "took the answer 0 for the best",
            0.5,
            "This is the objective of the answer 0. The bias does better.",
        ),
        Mistake(
            "summed over the samples",
            objective * _R8.N,
            "This is the sum over all texts. The loss is their mean.",
        ),
        Mistake(
            "thought that a fit without penalties costs nothing",
            0,
            "The penalties are 0, but one answer cannot fit eight different labels.",
        ),
    ]


@_asks(
    "04-b.1",
    Numbers("the two ends of the interval of lambda", (2,), ordered=False),
    "Both ends are kappa divided by a count: one where the mode dies, one where the rare class "
    "ties with the frequent one.",
)
def _alive_and_missed() -> Solved:
    _, wrong, dead = two_class_limits(_equal(_SPOTS, 1))
    n_1, n_2 = _SPOTS.n
    return [wrong, dead], [
        Mistake(
            "took n_1 for 2 n_1 at the lower end",
            [2 * wrong, dead],
            "The tie is at the share (1 - n_2/n_1) / 2. Solve z = s kappa for lambda again.",
        ),
        Mistake(
            "took 1/2 of the mode for the tie",
            [dead / 2, dead],
            "A share of one half would be the limit for a very rare class. It is "
            "(1 - n_2/n_1) / 2 exactly.",
        ),
        Mistake(
            "thought that the rare class is missed from the start",
            [0, dead],
            "With hardly any penalty every sample is right. Where does that end?",
        ),
        Mistake(
            "used the model without a bias",
            np.sqrt([n_2, n_1]) / _SPOTS.N,
            "These are the deaths of the two classes without a bias. With a bias there is one "
            "mode.",
        ),
        Mistake(
            "took kappa squared",
            np.array([wrong, dead]) * Spectrum(_SPOTS).kappa[0],
            "You have kappa squared where kappa should be.",
        ),
        Mistake(
            "read s as the share that the penalty takes",
            [dead * (1 - n_2 / n_1) / 2, dead],
            "s is the share of the mode that is kept: the penalty takes 1 - s.",
        ),
    ]


@_asks(
    "04-b.2",
    Decision("there is such a range for two layers"),
    "Compare the least share of a mode that is alive with the share at which the classes tie.",
)
def _not_with_two_layers() -> Solved:
    _, wrong, dead = two_class_limits(_equal(_SPOTS, 2))
    return bool(wrong < dead), [
        Mistake(
            "carried the answer over from one layer",
            True,
            "With two layers a mode that is alive keeps at least half. The tie is below one half.",
        )
    ]


# Chapter 5: Theorem 4.3


@_asks(
    "05-a",
    Function("the lambda below which the mode survives", ("n_0",), ((1,), (10,), (1000,))),
    "With kappa^2 = n_0, N = 2 n_0 and L = 2, put everything into the test of the theorem.",
)
def _smallest_deep_head() -> Solved:
    def death(n_0: float) -> float:
        return float(_deaths([int(n_0)] * 2, 2)[0])

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
            lambda n_0: float(_deaths([int(n_0)] * 2, 1)[0]),
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


def _margins(depth: int = 3, bias: bool = True) -> Array:
    """Collapse factors of the lesions at the penalties of exercise 05-b."""
    return collapse_factors(_problem(LESIONS, depth, 5e-3, 1e-5, bias))


def _below_one(factors: Array) -> set[int]:
    """Modes with a factor below 1, numbered from 1."""
    return set((np.flatnonzero(factors < 1) + 1).tolist())


@_asks(
    "05-b.1",
    Chosen("the modes that are lost, from 1", tuple(range(1, 8))),
    "A mode is lost if its collapse factor is below 1. The constant mode does not count.",
)
def _lost_modes() -> Solved:
    lost = _below_one(_margins()[:-1])
    return lost, [
        Mistake(
            "counted the constant mode as lost",
            _below_one(_margins()),
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
            _below_one(_margins(depth=1)[:-1]),
            "None is lost with one layer. With three it is otherwise.",
        ),
        Mistake(
            "took the classes for the modes, without a bias",
            _below_one(_margins(bias=False)),
            "This is the answer without a bias, where each class is a mode.",
        ),
    ]


@_asks(
    "05-b.2",
    Numbers("the number that all penalties are multiplied by", digits=5e-3),
    "After that the smallest collapse factor shall be 2.",
)
def _leave_room() -> Solved:
    weakest = _margins()[:-1].min()
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
            "One mode is dead at the start. Halving is not quite enough.",
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


@_asks(
    "05-c",
    Function(
        "the factor by which the valley outlives its mode's death", ("L",), ((1,), (2,), (3,), (6,))
    ),
    "Divide the largest theta of the valley by theta at the death, then ask what a factor on all "
    "lambdas does to theta.",
)
def _way_down() -> Solved:
    def factor(L: float) -> float:
        problem = _equal(CIFAR, int(L), 1e-4)
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


# Chapter 6: Theorem 4.4

_STEP = ClassCounts.step(10, 5000, 100)


@_asks(
    "06-a",
    Numbers("all singular values", (10,), ordered=False),
    "Count them: each group of l classes gives l - 1, and two groups give two more.",
)
def _a_step() -> Solved:
    kappa = Spectrum(_STEP).kappa
    between = kappa[4]
    common, rare = np.sqrt([5000, 50])
    return kappa, [
        Mistake(
            "gave the squares",
            kappa**2,
            "These are the squares of the singular values.",
        ),
        Mistake(
            "left the labels as they were",
            np.repeat([common, rare], 5),
            "These are the values without a bias. Each group loses one, and two others come.",
        ),
        Mistake(
            "forgot the root at the value between the groups",
            [*[common] * 4, between**2, *[rare] * 4, 0],
            "One entry is not under a root: K N_1 N_2 / N is a square.",
        ),
        Mistake(
            "counted twice the frequent group's value, and no 0",
            [*[common] * 5, between, *[rare] * 4],
            "One value must be 0: the columns of the centred labels are dependent.",
        ),
        Mistake(
            "took the number of groups for K in K N_1 N_2 / N",
            [*[common] * 4, np.sqrt(2 * 5000 * 50 / _STEP.N), *[rare] * 4, 0],
            "K is the number of classes, not of groups.",
        ),
    ]


@cache
def _upper_zero(size: int) -> float:
    """Find the upper zero of two classes of 500, two of 100 and `size` of 300."""
    spectrum = Spectrum(ClassCounts([500] * 2 + [300] * size + [100] * 2))
    return float(spectrum.kappa[spectrum.is_between][0] ** 2)


@_asks(
    "06-b.1",
    Numbers("the number of classes of 300", digits=1e-6),
    "The zero is above 499 exactly when the secular function at 499 is still below 0.",
)
def _large_group() -> Solved:
    size = _first(lambda size: _upper_zero(size) > 499, 1, 2000)
    return size, [
        Mistake(
            "rounded down",
            size - 1,
            "Just too few: try this number, and one more.",
        ),
        Mistake(
            "left out that two classes have 500",
            _first(lambda size: 500 - 300 / 199 * size < 100 / 399, 1, 2000),
            "In the secular function each term is multiplied by the number of classes.",
        ),
        Mistake(
            "took the singular value within 1 of the root of 500",
            _first(lambda size: _upper_zero(size) > (np.sqrt(500) - 1) ** 2, 1, 2000),
            "Zeros of the secular function are squares. It is the zero that comes within 1 of 500.",
        ),
        Mistake(
            "asked for within 0.1",
            _first(lambda size: _upper_zero(size) > 499.9, 1, 20_000),
            "You came closer than within 1.",
        ),
    ]


@_asks(
    "06-b.2",
    Numbers("where the two zeros go", (2,), ordered=False, digits=5e-3),
    "Let the group shrink in steps, and look at both zeros.",
)
def _vanishing_group() -> Solved:
    rest = Spectrum(ClassCounts([500] * 2 + [100] * 2))
    left = rest.kappa[rest.is_between][0] ** 2
    return [300, left], [
        Mistake(
            "gave the singular values",
            np.sqrt([300, left]),
            "These are the roots: give the zeros.",
        ),
        Mistake(
            "sent the zeros to the poles that stay",
            [500, 100],
            "Zeros stay between poles. Only the pole at 300 disappears.",
        ),
        Mistake(
            "let one of the zeros go to 0",
            [left, 0],
            "Zeros stay between the poles at 100, 300 and 500. One of them goes with the group.",
        ),
        Mistake(
            "kept five classes in K N_1 N_2 / N",
            [300, left * 5 / 4],
            "Without the group there are four classes.",
        ),
        Mistake(
            "sent both to the vanishing pole",
            [300, 300],
            "Two groups are left, and they have a zero of their own.",
        ),
    ]


# Chapter 7: networks

LAMBDA_W, LAMBDA_H = 5e-4, 1e-5
"""The penalties of chapters 7 and 8: `nclib.training.experiments` has them, and needs torch."""


@_asks(
    "07-a.1",
    Numbers("the room until a mode dies, for a head of three layers"),
    "nclib.collapse_factors gives the factor for each mode. Which mode dies first?",
)
def _room_for_three_layers() -> Solved:
    factors = collapse_factors(_problem(LESIONS, 3, LAMBDA_W, LAMBDA_H))[:-1]
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
            collapse_factors(_problem(LESIONS, 3, LAMBDA_W, LAMBDA_H, bias=False)).min(),
            "This is right for a model without bias. Here there is one.",
        ),
        Mistake(
            "took a head of one layer",
            collapse_factors(_problem(LESIONS, 1, LAMBDA_W, LAMBDA_H))[:-1].min(),
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


@_asks(
    "07-a.2",
    Numbers("the factors that make the room 3, for one, three and six layers", (3,)),
    "What does a factor on all penalties do to the room?",
)
def _room_of_three() -> Solved:
    rooms = np.array(
        [
            collapse_factors(_problem(LESIONS, depth, LAMBDA_W, LAMBDA_H))[:-1].min()
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


def _printed_floor(counts: ClassCounts, depth: int, bias: bool) -> float | None:
    """Measure the exact optimum by the printed NC2^WH."""
    best = global_minimizer(_problem(counts, depth, LAMBDA_W, LAMBDA_H, bias))
    Ws, H_bar, b = best.weights()
    features = np.repeat(H_bar.T, counts.n, axis=0)
    labels = np.repeat(np.arange(counts.K), counts.n)
    return measure(features, labels, Ws, b, best, reading="as_printed").nc2_wh


def _printed_floors(counts: ClassCounts, bias: bool = True) -> Array:
    return np.array([_printed_floor(counts, depth, bias) for depth in (1, 3, 6)], dtype=float)


@_asks(
    "07-b.1",
    Numbers("the floors for the letters, for one, three and six layers", (3,), digits=2e-3),
    "Measure the exact optimum, as the chapter does for CIFAR-10. In the corrected reading it "
    'would be 0: say reading="as_printed".',
)
def _floors_of_letters() -> Solved:
    floors = _printed_floors(LETTERS)
    return floors, [
        Mistake(
            "took the floors of CIFAR-10",
            _printed_floors(CIFAR),
            "These are the floors for CIFAR-10, which the chapter prints. Take the letters.",
        ),
        Mistake(
            "left out the bias",
            _printed_floors(LETTERS, bias=False),
            "These are the floors without a bias. The networks of this chapter have one.",
        ),
        Mistake(
            "listed the deepest head first",
            floors[::-1],
            "The right numbers in the wrong order: one layer first.",
        ),
        Mistake("squared the norm", floors**2, "The metric is a norm, not its square."),
    ]


@_asks(
    "07-b.2",
    Numbers("the two ends of the interval of factors", (2,), ordered=False),
    "The floor is 0 where one mode is left alone. When does the second die, and when the first?",
)
def _alone() -> Solved:
    problem = _problem(LETTERS, 3, LAMBDA_W, LAMBDA_H)
    deaths = np.unique(collapse_factors(problem)[:-1])[::-1]
    one_layer = np.unique(collapse_factors(_problem(LETTERS, 1, LAMBDA_W, LAMBDA_H))[:-1])[::-1]
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
            deaths[:2] * LAMBDA_W,
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
    return global_minimizer(_problem(_DIGITS, depth, factor * 5e-3, factor * 5e-4, bias))


@_asks(
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


@_asks(
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


@_asks(
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


@_asks(
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


# Chapter 8: networks without a bias


def _six_layers() -> Problem:
    """Return the problem of exercise 08-a."""
    return _problem(CIFAR, 6, LAMBDA_W, LAMBDA_H, bias=False)


@_asks(
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


@_asks(
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
def _lesion_deaths(which: int = -1, bias: bool = True) -> Array:
    """Lambda at which a mode of the lesions dies, by depth; the first to die by default."""
    return np.array([np.sort(_deaths(LESIONS, depth, bias=bias))[::-1][which] for depth in _DEPTHS])


@cache
def _branch_factors() -> Array:
    """How much longer than its optimum the branch with all modes lives, by depth."""
    start = 1 - 1e-9
    ends = [
        global_minimizer(_equal(LESIONS, depth, start * death)).stability_limit
        for depth, death in zip(_DEPTHS, _lesion_deaths(), strict=True)
    ]
    return start * np.array(ends)


@_asks(
    "08-b.1",
    Numbers("the lambda at which the first mode dies, for L = 1, 2, 3, 6", (4,)),
    "With lambda = 1 for everything, nclib.collapse_factors gives the lambda at which each mode "
    "dies.",
)
def _deaths_by_depth() -> Solved:
    deaths = _lesion_deaths()
    return deaths, [
        Mistake(
            "waited until the last mode died",
            _lesion_deaths(0),
            "Here the strongest mode dies, the last of all. Asked is the first.",
        ),
        Mistake(
            "took the minimum over all K modes",
            np.zeros(4),
            "With a bias the last mode is the constant one, which was never alive. Leave it out.",
        ),
        Mistake(
            "left out the bias",
            _lesion_deaths(bias=False),
            "This is right for a model without bias. Here there is one.",
        ),
        Mistake(
            "gave the product of all penalties",
            deaths ** [2, 3, 4, 7],
            "These are the products of all penalties. Asked is the one lambda that all equal.",
        ),
        Mistake(
            "took the end of the branch",
            deaths * _branch_factors(),
            "So long can a network keep the mode. In the optimum it dies before.",
        ),
    ]


@_asks(
    "08-b.2",
    Numbers("the lambda up to which a network can keep it, for L = 1, 2, 3, 6", (4,)),
    "The stability_limit of a minimum with all modes alive is a factor on its penalties.",
)
def _ends_by_depth() -> Solved:
    deaths, factors = _lesion_deaths(), _branch_factors()
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
            _lesion_deaths(0) * factors,
            "So long lives the strongest mode. Asked is the one that dies first.",
        ),
    ]


@_asks(
    "08-b.3",
    Numbers(
        "by which share of the global minimum the objective is higher, for L = 2, 3, 6",
        (3,),
        digits=0.01,
    ),
    "It is most at the end of the branch. Compare the last of nclib.local_minima there with the "
    "first of all, the global one.",
)
def _price_of_keeping() -> Solved:
    kept, lowest = [], []
    for depth, end in zip(_DEPTHS[1:], (_lesion_deaths() * _branch_factors())[1:], strict=True):
        late = _equal(LESIONS, depth, (1 - 1e-6) * end)
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


@_asks(
    "08-c",
    Decision("the dead mode returns"),
    "Start nclib.sweep_lambdas from the prefix without the weakest mode, and count the modes.",
)
def _does_it_return() -> Solved:
    problem = _problem([60, 40, 8], 3, 2e-2, 2e-3, bias=False)
    start = local_minima(problem)[2]
    swept = sweep_lambdas(start, np.geomspace(1e-3, 1, 8))
    returned = bool(np.count_nonzero(swept.z[-1] > 0.1 * start.kappa) > start.alive)
    return returned, [
        Mistake(
            "thought that tiny penalties bring it back",
            not returned,
            "Then the hill is low, but it is there. What pulls at a mode that is exactly 0?",
        ),
    ]


# Chapter 9: the proofs


@_asks(
    "09-a",
    Numbers("f_hat at sigma = (0, 0)"),
    "Put E = 0 and W = 0 into f_hat itself.",
)
def _constant_by_hand() -> Solved:
    pair = _equal([1, 1], 1, 0.1, bias=False)
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


@cache
def _well_paired() -> Minimizer:
    """Return the minimiser of exercise 09-b."""
    return global_minimizer(_problem(LESIONS, 2, 0.005, 0.0001))


@_asks(
    "09-b.1",
    Numbers("how much worse the worst order is"),
    "Only the mixed term changes with the order. Which order makes kappa @ z smallest?",
)
def _worst_order() -> Solved:
    best = _well_paired()
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


@_asks(
    "09-b.2",
    Chosen("the two modes, one of them alive, that are cheapest to swap", tuple(range(1, 8))),
    "Compute (kappa_i - kappa_j)(z_i - z_j) / N for every pair with an alive mode.",
)
def _cheapest_swap() -> Solved:
    best = _well_paired()
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


@_asks(
    "09-b.3",
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
        Mistake("kept 1/(2N)", _scaled(1 / 2, price), "The square has twice the mixed term."),
        Mistake(
            "took before minus after",
            _scaled(-1, price),
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


@_asks(
    "09-c",
    Numbers("z_2 on the hill"),
    "nclib.lemma_a2_stationary gives the x of the hill and of the valley. Then z = kappa x^L / "
    "(1 + x^L).",
)
def _on_the_hill() -> Solved:
    problem = _equal(CIFAR, 3, 2e-3)
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


# Chapter 10: the errata


@_asks(
    "10-a",
    Chosen("the errata that can be seen with n = (5, 5, 5)", ("E1", "E3", "E4", "E8")),
    "Ask of each: what would have to differ, or how many groups does it need?",
)
def _slips_that_hide() -> Solved:
    even = ClassCounts([5, 5, 5])
    spectrum, best = Spectrum(even), global_minimizer(_equal(even, 3, 1e-3))
    eigenvalues = np.sort(np.linalg.eigvals(effective_label_matrix(even)).real)[::-1]
    # As printed the target has q squared: s kappa / q, up to a factor, instead of s kappa.
    q = 1 / (1 - best.s)
    right, printed = best.z, best.z / q
    seen = set()
    if not np.allclose(eigenvalues, spectrum.kappa):
        seen.add("E1")
    if not np.allclose(right / np.linalg.norm(right), printed / np.linalg.norm(printed)):
        seen.add("E3")
    if even.m == 3:
        seen |= {"E4", "E8"}
    groups = "E4 and E8 are about three different counts. How many different counts are there here?"
    return seen, [
        Mistake(
            "thought that eigenvalues and singular values always differ",
            {"E1"},
            "Is the matrix symmetric here? Then its eigenvalues, none negative, are its singular "
            "values.",
        ),
        Mistake(
            "forgot that the metric divides by norms",
            {"E3"},
            "With all kappa equal, q to any power is one common factor. What does the norm do "
            "with it?",
        ),
        Mistake("counted classes as groups (E4)", {"E4"}, groups),
        Mistake("counted classes as groups (E8)", {"E8"}, groups),
        Mistake("counted classes as groups", {"E4", "E8"}, groups),
        Mistake(
            "thought that a wrong formula is wrong everywhere",
            {"E1", "E3", "E4", "E8"},
            "A wrong formula may give right numbers in special cases, and equal counts are very "
            "special.",
        ),
    ]


@_asks(
    "10-b",
    Numbers("the largest floor", digits=3e-4),
    "Both targets become directions in a plane. How far apart are two unit vectors at an angle t?",
)
def _highest_floor() -> Solved:
    def distance(ratio: float) -> float:
        right, printed = np.array([1.0, 1 / ratio]), np.array([1.0, 1.0])
        return float(
            np.linalg.norm(right / np.linalg.norm(right) - printed / np.linalg.norm(printed))
        )

    return distance(np.inf), [
        Mistake("gave the angle in degrees", 45, "This is the angle. How long is the chord?"),
        Mistake("gave the angle", np.pi / 4, "This is the angle. The chord is a little shorter."),
        Mistake(
            "took the sine of the angle",
            np.sin(np.pi / 4),
            "The chord of an angle t is 2 sin(t/2), not sin t.",
        ),
        Mistake(
            "forgot the 2",
            np.sin(np.pi / 8),
            "This is half of the chord.",
        ),
        Mistake(
            "took the targets for orthogonal",
            np.sqrt(2),
            "The printed target (1, 1) is never orthogonal to (kappa_1, kappa_2).",
        ),
        Mistake(
            "stopped at a ratio of 1000",
            distance(1000),
            "Close, but the ratio can grow on. What is the limit?",
        ),
    ]


# Chapter 11: your data


@_asks(
    "11-a.1",
    Numbers("lambda_W of the script with the sum, then of the one with the mean", (2,)),
    "How many times the theory's fit is each loss? Divide the weight decay by that.",
)
def _two_scripts() -> Solved:
    decay, batch = 5e-4, 100
    summed, averaged = (
        translate_penalties(
            LETTERS, weight_decay=decay, reduction=reduction, batch_size=batch
        ).loss_factor
        for reduction in ("sum", "mean")
    )
    factors = np.array([summed, averaged])
    return decay / factors, [
        Mistake(
            "took the weight decay for lambda_W",
            [decay, decay],
            "That is so only for half the sum over classes, averaged over samples. What are these "
            "losses?",
        ),
        Mistake(
            "forgot the half",
            2 * decay / factors,
            "The theory's fit has a half, and MSELoss has none.",
        ),
        Mistake(
            "left out the batch",
            decay / (factors / [batch, 1]),
            "The sum goes over the whole batch. The theory's fit is a mean over the samples.",
        ),
        Mistake(
            "took all samples for a batch",
            decay / (factors * [LETTERS.N / batch, 1]),
            "The sum goes over a batch of 100, and not over all samples.",
        ),
        Mistake(
            "left out the classes",
            decay / (factors * [1, LETTERS.K]),
            "The mean of MSELoss() goes over the classes as well.",
        ),
        Mistake(
            "multiplied instead of dividing",
            decay * factors,
            "A larger loss makes the same weight decay weaker: divide.",
        ),
        Mistake(
            "swapped the two",
            (decay / factors)[::-1],
            "Give the sum first. Which loss is larger, and so makes the weight decay weaker?",
        ),
    ]


@_asks(
    "11-a.2",
    Numbers("how many times more the stronger one regularises"),
    "Divide the two lambda_W.",
)
def _stronger_script() -> Solved:
    weak, strong = EXERCISES["11-a.1"].solve()[0]
    times = strong / weak
    return times, [
        Mistake("turned the ratio over", 1 / times, "How many times is the larger the smaller?"),
        Mistake(
            "left out the classes",
            times / LETTERS.K,
            "This is the batch. MSELoss() takes the mean over the classes, too.",
        ),
        Mistake(
            "left out the batch",
            LETTERS.K,
            "These are the classes. The sum also goes over the samples of the batch.",
        ),
        Mistake(
            "took all samples for a batch",
            LETTERS.N * LETTERS.K,
            "The sum goes over a batch of 100, and not over all samples.",
        ),
        Mistake("took both for the same", 1, "They have the same weight decay, not the same loss."),
    ]


@_asks(
    "11-b",
    Numbers("the weight decay for one layer, and for three", (2,)),
    "Start anywhere: a factor on all penalties becomes a larger one, if the weight decay has to do "
    "it alone.",
)
def _room_for_lesions() -> Solved:
    start, depths = 1e-3, np.array([1, 3])
    c = translate_penalties(LESIONS, lambda_W=start).loss_factor
    problems = [_problem(LESIONS, depth, start, 1e-4) for depth in depths]
    t = np.array([first_loss(problem).factor for problem in problems])
    deaths = np.array([collapse_factors(problem)[:-1].min() for problem in problems])
    exponent = (depths + 1) / depths

    def decay(factor: Array) -> Array:
        return c * start * factor

    right = decay((t / 2) ** exponent)
    return right, [
        Mistake(
            "gave lambda_W",
            start * (t / 2) ** exponent,
            "This is lambda_W. Translate it: MSELoss() takes the mean over the classes.",
        ),
        Mistake(
            "moved all penalties",
            decay(t / 2),
            "This would do if lambda_H moved as well. It stays, so the weight decay must do more.",
        ),
        Mistake(
            "turned the exponent over",
            decay((t / 2) ** (1 / exponent)),
            "L layers have to do what L + 1 penalties did: is the exponent above or below 1?",
        ),
        Mistake(
            "let one layer do the work of all",
            decay((t / 2) ** (depths + 1)),
            "The weight decay acts on all L layers: take the L-th root.",
        ),
        Mistake(
            "waited for the first mode to die",
            decay((deaths / 2) ** exponent),
            "With one layer a class is lost before a mode dies. nclib.first_loss finds it.",
        ),
        Mistake(
            "went up to the first loss",
            decay(t**exponent),
            "There the first class is lost. The margin shall be 2.",
        ),
        Mistake(
            "halved the weight decay of the first loss",
            decay(t**exponent / 2),
            "The margin is a factor on all penalties, lambda_H too. Half the weight decay alone is "
            "less than that.",
        ),
    ]


@_asks(
    "11-c",
    Numbers("the factor on the margin when every class is split"),
    "Splitting changes kappa, and it changes what the loss is divided by.",
)
def _split_classes() -> Solved:
    def margin(counts: list[int]) -> float:
        c = translate_penalties(counts, weight_decay=5e-3).loss_factor
        layers, features = 5e-3 / c, 2 * 0.1 / (c * sum(counts))
        return first_loss(_problem(counts, 1, layers, features)).factor

    factor = margin([50] * 8) / margin([100] * 4)
    return factor, [
        Mistake(
            "forgot the mean over the classes",
            1 / np.sqrt(2),
            "So much smaller is kappa. But the loss is divided by twice as many classes, too.",
        ),
        Mistake(
            "forgot kappa, or one of the two penalties",
            1 / 2,
            "Three things change: kappa is smaller, and both penalties are larger.",
        ),
        Mistake(
            "halved kappa",
            1 / 4,
            "Splitting halves n, which is the square of kappa.",
        ),
        Mistake(
            "turned the ratio over",
            2 * np.sqrt(2),
            "This is how much the margin was larger before.",
        ),
        Mistake(
            "took the margin for a matter of the number of samples",
            1,
            "There are as many samples as before, but more classes: look at kappa and at the loss.",
        ),
    ]


# Chapter 12: beyond the paper


@_asks(
    "12-a.1",
    Numbers("the lambda of the tie"),
    "With kappa^2 = 1, N = 2 and mu = 1/2: at the tie theta = (L-1)^(L-1) / L^(2L).",
)
def _tie() -> Solved:
    death = float(_deaths([1, 1], 3)[0])
    return death, [
        Mistake(
            "counted three penalties instead of four",
            death ** (4 / 3),
            "Three layers and the features: that makes four penalties.",
        ),
        Mistake("gave the power", death**4, "This is lambda to the power 4."),
        Mistake(
            "took two layers",
            float(_deaths([1, 1], 2)[0]),
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


@_asks(
    "12-a.2",
    Numbers("the answers of the network with the mode alive", (2, 2)),
    "At the tie the mode keeps the share (L-1)/L. Add the bias n/N.",
)
def _answers_at_the_tie() -> Solved:
    # Just below the tie the mode is alive in the only minimiser.
    answers = global_minimizer(_equal([1, 1], 3, (1 - 1e-9) * float(_deaths([1, 1], 3)[0])))
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


@_asks(
    "12-a.3",
    Numbers("the objective of both networks"),
    "The network with the mode dead has no penalties: sum its four errors.",
)
def _objective_at_the_tie() -> Solved:
    death = float(_deaths([1, 1], 3)[0])
    objective = global_minimizer(_equal([1, 1], 3, death)).objective
    share = global_minimizer(_equal([1, 1], 3, (1 - 1e-9) * death)).s[0]
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


@_asks(
    "12-b.1",
    Numbers("the largest number of moles", digits=1e-6),
    "With three layers, all modes alive means all right. Find the last count with six alive modes.",
)
def _too_many_moles() -> Solved:
    def lost(size: int, depth: int = 3) -> bool:
        counts = np.append(size, LESIONS.n[1:])
        return global_minimizer(_equal(counts, depth, 6e-4)).alive < 6

    nevi = int(LESIONS.n[0])
    last = _first(lost, nevi, 10**6) - 1
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
            _first(lambda size: lost(size, 1), nevi, 10**6) - 1,
            "This is where one layer loses a mode. Here are three.",
        ),
    ]


@_asks(
    "12-b.2",
    Numbers("the lambda of the layers below which all modes are back", digits=5e-3),
    "A collapse factor t on all penalties multiplies their product by t^4.",
)
def _rescue() -> Solved:
    t = float(_deaths(np.append(670500, LESIONS.n[1:]), 3, 6e-4).min())
    return 6e-4 * t ** (4 / 3), [
        Mistake(
            "moved all four penalties",
            6e-4 * t,
            "This would do for all penalties. The one of the features stays, so the layers must "
            "move further.",
        ),
        Mistake(
            "let one layer do the work of all",
            6e-4 * t**4,
            "Three layers share the work: take the third root.",
        ),
        Mistake(
            "turned the exponent over",
            6e-4 * t ** (3 / 4),
            "Three layers have to do what four penalties did: is the exponent above or below 1?",
        ),
        Mistake(
            "gave the factor",
            t ** (4 / 3),
            "This is the factor. Which lambda is that?",
        ),
    ]


@_asks(
    "12-d.1",
    Numbers("the share that the second class needs where M = 12"),
    "Write the lead of the second class over the first with one living mode, and let n_1 grow.",
)
def _share_of_the_second() -> Solved:
    def needed(rare: int) -> float:
        # The lead is linear in the share, -1 without the mode in the limit of one huge class.
        counts = ClassCounts([10**15] + [1000] * rare)
        v = Spectrum(counts).V @ np.eye(counts.K)[0]
        large, small = counts.n[0], counts.n[1]
        slope = v[1] * (v[1] - math.sqrt(large / small) * v[0])
        return float((large - small) / counts.N / slope)

    return needed(12), [
        Mistake(
            "counted the large class among the rare ones",
            needed(11),
            "There are 12 rare classes beside the large one.",
        ),
        Mistake(
            "counted one class too many",
            needed(13),
            "There are 13 classes, but 12 of them are rare.",
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
            "This is the share for one rare class. The mode of 12 has to be shared by all of them.",
        ),
        Mistake(
            "gave what the mode leaves",
            1 - needed(12),
            "This is how much may be lost. How much has to be kept?",
        ),
    ]


def _tries_to_break(answer: object) -> str:
    """Look for a class that the rule of 12-d.2 gets wrong, just before each mode dies."""
    try:
        counts = as_counts(answer)
    except (TypeError, ValueError) as error:
        raise Unfit(f"{error}.") from error
    if counts.K != 3:
        raise Unfit(f"You gave {counts.K} classes.")
    if counts.m != 3:
        return "equal counts"
    order = counts.falling_order
    for death in _deaths(counts, 2):
        best = global_minimizer(_equal(counts, 2, (1 - 1e-9) * death))
        right = best.training_accuracy().per_class[order] == 1
        if (right != (np.arange(3) <= best.alive)).any():
            return "broken"
    return "the rule holds"


@_asks(
    "12-d.2",
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
