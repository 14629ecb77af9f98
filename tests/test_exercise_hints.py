"""The hint that each usual mistake gets, for a value that is computed here and not registered.

Every row is a wrong answer, worked out from the mistake by dense algebra or by hand, how one gets
there, and words of the hint that must come. So neither the registered answers nor the registered
hints are compared with themselves.
"""

from functools import cache

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from nclib.teaching import EXERCISES, check

CIFAR = np.array([500, 500, 400, 400, 300, 300, 200, 200, 100, 100])
LETTERS = np.array([1500, *[600] * 5, *[50] * 20])
# What a unit of the nuclear norm is worth at a simplex of four, rows of 1 and class means of 2.
GAIN = np.exp(-8 / 3) / (1 + 3 * np.exp(-8 / 3))
LESIONS = np.array([6705, 1113, 1099, 514, 327, 142, 115])
TEXTS = np.array([2840, 1596, 253, 251, 206, 190, 108, 41])
DEPTHS = np.array([1, 2, 3, 6])


@cache
def _kappas(n, bias):
    roots = np.sqrt(n)
    labels = np.diag(roots) - bias * np.outer(n, roots) / sum(n)
    return np.linalg.svd(labels, compute_uv=False)


def kappas(n, bias=True):
    """Singular values of the labels, by dense algebra; with a bias the last is 0."""
    return _kappas(tuple(int(count) for count in n), bias)


def deaths(n, depth, lambda_W=1.0, lambda_H=1.0, bias=True):
    """Factor on all penalties at which each mode dies, falling: the tie of Theorem 4.3."""
    kappa = kappas(n, bias)[: len(n) - bias]
    tie = (depth - 1) ** (depth - 1) / depth ** (2 * depth)
    price = int(np.sum(n)) ** (depth + 1) * lambda_W**depth * lambda_H
    return (tie * kappa ** (2 * depth) / price) ** (1 / (depth + 1))


def cost(kappa, N, depth, penalty):
    """What a mode costs, as a function of its strength z; `penalty` is the geometric mean."""
    return lambda z: (kappa - z) ** 2 / (2 * N) + (depth + 1) / 2 * penalty * z ** (2 / (depth + 1))


def strengths(n, depth, lambda_W, lambda_H, bias=True):
    """The best z of each mode, by a search from the end of its branch on; and the objective."""
    N, penalty = int(np.sum(n)), (lambda_W**depth * lambda_H) ** (1 / (depth + 1))
    z, objective = [], 0.0
    for kappa in kappas(n, bias):
        g = cost(kappa, N, depth, penalty)
        range_ = (kappa * (depth - 1) / (2 * depth), kappa)
        found = minimize_scalar(
            g, bounds=range_, method="bounded", options={"xatol": 1e-12 * kappa}
        )
        alive = kappa > 1e-9 and found.fun < g(0)
        z.append(found.x if alive else 0.0)
        objective += g(z[-1])
    return np.array(z), objective


def loss_with_one_layer(n, lambda_W, lambda_H):
    """Factor on both penalties at which a sample is answered wrong, from Theorem 4.2, dense."""
    N = int(np.sum(n))
    t, U = np.linalg.eigh(np.diag(n) - np.outer(n, n) / N)
    shares = n[:, None] / N

    def lead(factor):
        price = N * factor * np.sqrt(lambda_W * lambda_H)
        s = np.maximum(1 - price / np.sqrt(np.maximum(t, 1e-9)), 0)
        Z = (U * s) @ U.T @ (np.eye(n.size) - shares) + shares
        return (np.diag(Z) - np.where(np.eye(n.size, dtype=bool), -np.inf, Z).max(axis=0)).min()

    return brentq(lead, 1e-6, deaths(n, 1, lambda_W, lambda_H)[-1], rtol=1e-14)


def distinct(values):
    return np.unique(np.round(values, 9))[::-1]


def direction(vector):
    return vector / np.linalg.norm(vector)


def floors(n, bias=True):
    """Distance of the two targets of NC2^WH; as printed, each entry has a factor 1 - s too many."""
    result = []
    for depth in (1, 3, 6):
        z, _ = strengths(n, depth, 5e-4, 1e-5, bias)
        kappa = kappas(n, bias)
        s = np.divide(z, kappa, out=np.zeros_like(z), where=kappa > 1e-9)
        right = z if bias else s
        result.append(np.linalg.norm(direction(right) - direction(right * (1 - s))))
    return np.array(result)


def outlives(L):
    """How much longer the branch lives than its mode in the optimum."""
    return (L + 1) / 4 ** (L / (L + 1))


def at_the_end_of_the_branch(depth):
    """Objective with all modes of the lesions kept, and the least, as the first branch ends."""
    end = outlives(depth) * deaths(LESIONS, depth)[-1]
    kept, least = 0.0, 0.0
    for kappa in kappas(LESIONS)[:-1]:
        g = cost(kappa, LESIONS.sum(), depth, end)
        on_branch = np.min(g(kappa * np.linspace((depth - 1) / (2 * depth), 1, 100_000)))
        kept += on_branch
        least += min(on_branch, g(0))
    return kept, least


def last_size(depth):
    """The largest first class with which all six modes of the lesions live at 6e-4."""
    low, high = int(LESIONS[0]), 10**6
    while high - low > 1:
        middle = (low + high) // 2
        lives = deaths([middle, *LESIONS[1:]], depth)[-1] > 6e-4
        low, high = (middle, high) if lives else (low, middle)
    return low


def interval(M, product):
    """Ends between which n_k = (M + n_k)^2 lambda_W lambda_H: the roots, or their real part."""
    return np.sort(np.roots([1, 2 * M - 1 / product, M**2]).real)


def size_of_group(t, classes):
    """Classes of 300 with which the upper zero passes t, beside groups of 500 and of 100."""
    return int((500 * classes / (500 - t) - 100 * classes / (t - 100)) * (t - 300) / 300) + 1


def swap(kappa_i, kappa_j, z_i, z_j, N):
    return (kappa_i - kappa_j) * (z_i - z_j) / N


MERGERS = np.array([30**0.5 / 990, ((30 * 2 ** (2 / 3) / (9 * 990)) ** 3 / 990) ** (1 / 4)])

TURNS = 2 * np.pi * np.arange(5) / 5
N_SPOTS, SPOT = 11_183, np.sqrt(2 * 10_923 * 260 / 11_183)  # their number, and the one kappa
SHARE = TEXTS / TEXTS.sum()
ERROR = 1 - SHARE @ SHARE
STEP = [*[5000] * 4, 10 * 5000 * 50 / 25_250, *[50] * 4, 0]  # squares of kappa
FIRST = deaths(LESIONS, 1)
THREE = deaths(LESIONS, 3, 5e-3, 1e-5)[-1]
ROOM = np.array([deaths(LESIONS, depth, 5e-4, 1e-5)[-1] for depth in (1, 3, 6)])
ALONE = distinct(deaths(LETTERS, 3, 5e-4, 1e-5))
DEATHS = np.array([deaths(LESIONS, depth)[[0, -1]] for depth in DEPTHS.tolist()]).T
KEPT, LEAST = np.array([at_the_end_of_the_branch(depth) for depth in (2, 3, 6)]).T
PAIRED, PAIRED_MINIMUM = strengths(LESIONS, 2, 0.005, 0.0001)
WORSE = kappas(LESIONS) @ (PAIRED - PAIRED[::-1]) / 10_015
# Stationary strengths of mode 2 of CIFAR: with t the root of z, t^3 - kappa t + N lambda = 0.
MODE = kappas(CIFAR)[1]
HILL, VALLEY = np.sort(np.roots([1, 0, -MODE, 3000 * 2e-3]).real)[1:] ** 2
SLOPE = (HILL / (MODE - HILL)) ** (1 / 3)  # x, from s = x^3 / (1 + x^3)
HEADS = np.array([1, 3])
FIRST_DEATH = np.array([deaths(LESIONS, L, 1e-3, 1e-4)[-1] for L in (1, 3)])
# With three layers no class is lost before a mode dies, with one layer one is.
MARGIN = np.array([loss_with_one_layer(LESIONS, 1e-3, 1e-4), FIRST_DEATH[1]])
RESCUE = deaths([670_500, *LESIONS[1:]], 3, 6e-4, 6e-4)[-1]

# For each exercise: a wrong answer, how one gets there, and words of the hint.
HINTS = {
    "01-a": [
        (np.eye(5), "took the unit vectors as they are", "These stand at right angles, their"),
        (
            np.eye(5) - 1 / 4,
            "subtracted 1/(K-1), the size of the cosine, instead of the mean",
            "Your vectors do not sum to",
        ),
        (
            np.array([np.cos(TURNS), np.sin(TURNS)]),
            "spread them around a circle",
            "In a plane neighbours are close",
        ),
        (
            np.eye(5) - 1,
            "subtracted 1, the sum of the unit vectors",
            "These point into nearly the same",
        ),
    ],
    "01-b.1": [
        (0, "took the minimum over all K modes", "With a bias the last mode"),
        (
            FIRST[0],
            "took the first in the list, which is the strongest",
            "That is where the last mode",
        ),
        (np.sqrt(115) / 10_015, "left out the bias", "This is right for a model"),
        (
            kappas(LESIONS)[-2],
            "used the weakest singular value itself",
            "This is the singular value of",
        ),
        (
            FIRST[-1] ** 2,
            "gave the product of both penalties",
            "This is lambda_W times lambda_H. Asked",
        ),
    ],
    "01-b.2": [
        (set(), "took alive for right", "All modes are alive here. But"),
        ({7}, "looked at 0.9 instead of 0.99", "One class is missing. Did you"),
        ({5, 6}, "numbered the classes from 0", "Number the classes from 1"),
        ({1, 2, 3, 4, 5}, "listed the classes that are right", "These are the classes that are"),
    ],
    "01-c": [
        (0, "thought that imbalance alone merges the rare classes", "It does not go to 0"),
        (2 * np.arctan(3**-0.25), "gave radians", "Give it in degrees"),
        (np.degrees(np.arctan(3**-0.25)), "gave half of the angle", "This is half of the angle"),
        (
            60,
            "took the square of the tangent for the tangent",
            "e_k squared is proportional to kappa_k",
        ),
        (
            180 - 2 * np.degrees(np.arctan(3**-0.25)),
            "turned the ratio over",
            "The tangent is e_2 / e_1",
        ),
        (120, "kept the angle of the simplex", "This is the angle for equal"),
    ],
    "02-a": [
        (1.5 - 0.04, "forgot to take the root of the sum of squares", "The sum of all squares is"),
        (np.sqrt(1.5) - 0.01, "left out N", "The fit is divided by 2N"),
        (
            np.sqrt(1.5) - 4e-4,
            "left out the root of the product of the penalties",
            "For one layer the price of",
        ),
        (
            np.sqrt(3) - 0.04,
            "took the labels without centring them",
            "This is the answer without a",
        ),
        (np.sqrt(1.5), "paid no penalty", "This is kappa. The penalty makes"),
        (np.sqrt(1.5) - 0.0025, "divided by N instead of multiplying", "From (kappa - z) / N"),
    ],
    "02-b": [
        (7.5, "gave the factor on the counts", "This is the factor on the"),
        (
            5500 * deaths(LETTERS, 2, 5e-4, 5e-4)[0] ** 3,
            "waited until the last mode died",
            "Here the last mode dies. Asked",
        ),
        (5500, "waited for 26 modes, which never live", "With a bias at most K"),
    ],
    "03-a": [
        ([300 / 3000, 400 / 3000], "forgot the root", "The test has lambda squared. Take"),
        ([300**0.5, 20], "left out N", "These are roots of counts. Where"),
        (
            [20 / 3000, 500**0.5 / 3000],
            "took the classes of 500 and 400 for the ends",
            "Between these only the classes of",
        ),
        (
            [200**0.5 / 3000, 300**0.5 / 3000],
            "stopped one pair too low",
            "Between these the classes of 300",
        ),
        (
            [300 / 3000**2, 400 / 3000**2],
            "gave the interval of the product of both penalties",
            "This is the interval for lambda_W",
        ),
        (
            deaths(CIFAR, 1)[[4, 3]],
            "used the modes of the model with a bias",
            "These are the ends for a",
        ),
    ],
    "03-b.1": [
        (1 / (4 * 1.0015), "gave the square of the length", "This is the square of the"),
        (
            6705 / (10_015**2 * 1e-4) / 4,
            "gave the place instead of the height",
            "This is the lambda_W at which",
        ),
        (1 / np.sqrt(1.0015), "forgot the factor 4 of the top of the parabola", "The top of a t -"),
        (
            np.sqrt(6705 / 1.0015) / 2,
            "measured the columns of E, which carry the root of n_k",
            "This is the length times the",
        ),
    ],
    "03-b.2": [
        (1 / 4, "turned the ratio over", "This is the ratio the other"),
        (2, "compared the roots of lambda_W", "The top is half-way in the"),
        (16, "squared once too often", "You have squared once too often"),
    ],
    "03-c": [
        (interval, "did not look at whether the roots are real", "For large M there are no"),
        (
            lambda M, product: (M**2 * product, 1 / product) if 4 * M * product < 1 else None,
            "forgot that n_k is part of N at the lower end",
            "N is M + n_k at",
        ),
        (
            lambda M, product: 2 * interval(M, product) if 4 * M * product < 1 else None,
            "forgot the 2 in the denominator of the roots",
            "Both ends are twice too large",
        ),
        (lambda M, product: None, "took class k for hopeless at every size", "At n_k = M the left"),
    ],
    "04-a.1": [
        (np.full(8, 1 / 8), "gave every class the same", "This treats all classes alike. The"),
        (
            [1, 0, 0, 0, 0, 0, 0, 0],
            "answered with the most frequent class",
            "This is how the answer is",
        ),
        (np.zeros(8), "forgot that the bias stays", "Without a bias the answer would"),
        (TEXTS, "gave the counts", "These are the counts. The labels"),
    ],
    "04-a.2": [
        (1 / 8, "took it for a random guess", "This would be guessing. The network"),
        (1 - ERROR, "averaged over classes", "This would be drawing answers with"),
        (100 * 2840 / 5485, "gave a percentage", "Give a share between 0 and"),
        (1 - 2840 / 5485, "gave the share of errors", "This is the share of errors"),
    ],
    "04-a.3": [
        (ERROR, "lost the factor 1/2 of the loss", "The loss is divided by 2N"),
        (1 / 2, "took the answer 0 for the best", "This is the objective of the"),
        (5485 * ERROR / 2, "summed over the samples", "This is the sum over all"),
        (0, "thought that a fit without penalties costs nothing", "The penalties are 0, but one"),
    ],
    "04-b.1": [
        (
            [SPOT / 10_923, SPOT / N_SPOTS],
            "took n_1 for 2 n_1 at the lower end",
            "The tie is at the share",
        ),
        (
            [SPOT / N_SPOTS / 2, SPOT / N_SPOTS],
            "took 1/2 of the mode for the tie",
            "A share of one half would",
        ),
        (
            [0, SPOT / N_SPOTS],
            "thought that the rare class is missed from the start",
            "With hardly any penalty every sample",
        ),
        (
            [260**0.5 / N_SPOTS, 10_923**0.5 / N_SPOTS],
            "used the model without a bias",
            "These are the deaths of the",
        ),
        (
            [SPOT**2 / (2 * 10_923), SPOT**2 / N_SPOTS],
            "took kappa squared",
            "You have kappa squared where kappa",
        ),
        (
            [SPOT / N_SPOTS * (1 - 260 / 10_923) / 2, SPOT / N_SPOTS],
            "read s as the share that the penalty takes",
            "s is the share of the",
        ),
    ],
    "04-b.2": [
        (True, "carried the answer over from one layer", "With two layers a mode that"),
    ],
    "05-a": [
        (
            lambda n_0: (16 * n_0) ** (-1 / 3),
            "forgot that N = 2 n_0, or the root in the test",
            "Check two things: N is the",
        ),
        (lambda n_0: (32 * n_0) ** (-1 / 3), "took L for L^2", "The test begins with L squared"),
        (
            lambda n_0: (128 * n_0) ** (-1 / 2),
            "counted two penalties instead of three",
            "Two layers and the features: that",
        ),
        (lambda n_0: n_0**-0.5 / 2, "used the test for one layer", "This is the answer for one"),
        (
            lambda n_0: (128 * n_0**2) ** (-1 / 3),
            "took kappa for kappa^2",
            "The test has kappa squared, which",
        ),
        (lambda n_0: 1 / (128 * n_0), "gave the cube", "This is lambda to the power"),
    ],
    "05-b.1": [
        ({6, 7}, "counted the constant mode as lost", "Mode 7 is the constant one"),
        ({5}, "numbered the modes from 0", "Number the modes from 1"),
        ({1, 2, 3, 4, 5}, "listed the modes that survive", "These are the modes that survive"),
        (set(), "took a head of one layer", "None is lost with one layer"),
        ({7}, "took the classes for the modes, without a bias", "This is the answer without a"),
    ],
    "05-b.2": [
        (THREE, "left no room", "Then all survive, but only just"),
        (2 / THREE, "turned it over", "Your number makes the penalties larger"),
        (2 * THREE, "multiplied by the reserve", "Divide by the reserve"),
        (
            1 / 2,
            "halved the penalties, as if all modes were just alive",
            "One mode is dead at the start. Halving is not quite enough.",
        ),
        (
            (THREE / 2) ** (4 / 3),
            "moved the penalties of the layers alone",
            "This would do if only the",
        ),
        (0, "took the factor of the constant mode", "No penalty at all is not"),
    ],
    "05-c": [
        (
            lambda L: (L + 1) ** (L + 1) / 4**L,
            "gave the ratio of the thetas",
            "This is the ratio of theta",
        ),
        (
            lambda L: (L + 1) ** ((L + 1) / L) / 4,
            "took the root of order L",
            "There are L layers and the",
        ),
        (
            lambda L: 4 ** (L / (L + 1)) / (L + 1),
            "turned the ratio over",
            "The valley lives longer than its",
        ),
        (
            lambda L: 2 if L == 1 else (L + 1) ** ((L + 1) / L) / 4 / L ** (1 / L),
            "took the ratio of alpha",
            "Theta is (alpha / L) to",
        ),
    ],
    "06-a": [
        (STEP, "gave the squares", "These are the squares of the"),
        (
            [*[5000**0.5] * 5, *[50**0.5] * 5],
            "left the labels as they were",
            "These are the values without a",
        ),
        (
            [*[5000**0.5] * 4, STEP[4], *[50**0.5] * 4, 0],
            "forgot the root at the value between the groups",
            "One entry is not under a",
        ),
        (
            [*[5000**0.5] * 5, STEP[4] ** 0.5, *[50**0.5] * 4],
            "counted twice the frequent group's value, and no 0",
            "One value must be 0: the",
        ),
        (
            [*[5000**0.5] * 4, (STEP[4] / 5) ** 0.5, *[50**0.5] * 4, 0],
            "took the number of groups for K in K N_1 N_2 / N",
            "K is the number of classes",
        ),
    ],
    "06-b.1": [
        (size_of_group(499, 2) - 1, "rounded down", "Just too few: try this number"),
        (
            size_of_group(499, 1),
            "left out that two classes have 500",
            "In the secular function each term",
        ),
        (
            size_of_group((500**0.5 - 1) ** 2, 2),
            "took the singular value within 1 of the root of 500",
            "Zeros of the secular function are",
        ),
        (size_of_group(499.9, 2), "asked for within 0.1", "You came closer than within 1"),
    ],
    "06-b.2": [
        ([300**0.5, (500 / 3) ** 0.5], "gave the singular values", "These are the roots: give the"),
        ([500, 100], "sent the zeros to the poles that stay", "Zeros stay between poles. Only the"),
        ([500 / 3, 0], "let one of the zeros go to 0", "Zeros stay between the poles at"),
        (
            [300, 5 * 500 * 100 / 1200],
            "kept five classes in K N_1 N_2 / N",
            "Without the group there are four",
        ),
        ([300, 300], "sent both to the vanishing pole", "Two groups are left, and they"),
    ],
    "07-a.1": [
        (0, "took the minimum over all K modes", "With a bias the last mode"),
        (
            deaths(LESIONS, 3, 5e-4, 1e-5)[0],
            "waited until the last mode died",
            "Here the strongest mode dies, the",
        ),
        (
            deaths(LESIONS, 3, 5e-4, 1e-5, bias=False)[-1],
            "left out the bias",
            "This is right for a model",
        ),
        (ROOM[0], "took a head of one layer", "This is the room of one"),
        (
            ROOM[1] ** 4,
            "gave the factor on the product of all penalties",
            "So much may the product of",
        ),
        (ROOM[1] ** (4 / 3), "let the layers alone grow", "So much may lambda_W grow alone"),
    ],
    "07-a.2": [
        (3 / ROOM, "turned the ratio over", "In all three cases the room"),
        (ROOM, "gave the room", "This is the room as it"),
        (3 * ROOM, "multiplied by 3", "This is far beyond the first"),
        (ROOM - 3, "went up to a difference of 3", "The room is a factor: divide"),
        (
            (ROOM / 3) ** [2, 4, 7],
            "put the factor on the product of all penalties",
            "This is the factor on the",
        ),
    ],
    "07-b.1": [
        (floors(CIFAR), "took the floors of CIFAR-10", "These are the floors for CIFAR-10"),
        (floors(LETTERS, bias=False), "left out the bias", "These are the floors without a"),
        (floors(LETTERS)[::-1], "listed the deepest head first", "The right numbers in the wrong"),
        (floors(LETTERS) ** 2, "squared the norm", "The metric is a norm, not"),
    ],
    "07-b.2": [
        (
            ALONE[2:],
            "stopped when the twenty rare letters were gone",
            "Between these the modes of the",
        ),
        (ALONE[1:3], "left the five letters of 600 alive", "Between these five modes are alive"),
        ([1, ALONE[3]], "kept all modes alive", "Here all modes are alive, and"),
        (
            distinct(deaths(LETTERS, 1, 5e-4, 1e-5))[:2],
            "took a head of one layer",
            "These are the deaths for one",
        ),
        (5e-4 * ALONE[:2], "gave the penalties", "These are values of lambda_W. Asked"),
        (
            ALONE[:2] ** 4,
            "gave the factors on the product of all penalties",
            "These are factors on the product",
        ),
    ],
    "07-c.1": [
        (9, "forgot to multiply the penalties", "So many are alive with the"),
        (5, "left out the bias", "Without a bias each of the"),
        (8, "lost only one mode of the rare digits", "The four modes among the rare"),
    ],
    "07-c.2": [
        ({0, 1, 2, 3, 4}, "merged the frequent digits", "These are the digits that stay"),
        (set(), "thought that weak modes merge no classes", "All modes among some digits are"),
        (set(range(10)), "merged all digits", "Some modes are alive, and they"),
        ({9}, "gave one digit for one dead mode", "A digit alone cannot share a"),
    ],
    "07-c.3": [
        (1 / 2, "took the mean over the digits", "This is the mean over the"),
        (
            (500 + 100 / 5) / 600,
            "counted a guess among the five rare digits",
            "The merged digits do not compete",
        ),
        ((500 + 100 / 10) / 600, "counted a guess among all ten digits", "A mean of 0 leaves the"),
        (1 / 6, "gave the share that is wrong", "This is the share that is"),
        (1, "forgot to multiply the penalties", "So it is with the penalties"),
        (500 / 6, "gave percent", "Give a share of 1, not"),
    ],
    "07-c.4": [
        (False, "thought that a warm-up can save any mode", "It can save a mode while"),
    ],
    "08-a.1": [
        (10, "took the global minimum", "The global minimum has all modes"),
        (8, "took the last minimum of a lower accuracy", "Compare the objective, not the accuracy"),
        (1, "gave the number of dead modes", "So many are dead. How many"),
    ],
    "08-a.2": [
        ({10}, "took the last of the list for the weakest", "Another class has the same count"),
        ({8, 9}, "numbered the classes from 0", "Number them from 1"),
        ({1, 2}, "took the strongest modes", "Without a bias kappa is the"),
        ({7, 8, 9, 10}, "took the classes of 200 as well", "Modes die from the weakest on"),
    ],
    "08-b.1": [
        (DEATHS[0], "waited until the last mode died", "Here the strongest mode dies, the"),
        (np.zeros(4), "took the minimum over all K modes", "With a bias the last mode"),
        (
            [deaths(LESIONS, L, bias=False)[-1] for L in DEPTHS.tolist()],
            "left out the bias",
            "This is right for a model",
        ),
        (
            DEATHS[1] ** (DEPTHS + 1),
            "gave the product of all penalties",
            "These are the products of all",
        ),
        (DEATHS[1] * outlives(DEPTHS), "took the end of the branch", "So long can a network keep"),
    ],
    "08-b.2": [
        (DEATHS[1], "took the death in the optimum", "Here the mode dies in the"),
        (outlives(DEPTHS), "gave the factors", "These are the factors. At which"),
        (DEATHS[1] / outlives(DEPTHS), "divided by the factors", "The branch ends after the death"),
        (
            DEATHS[1] * outlives(DEPTHS) ** (DEPTHS + 1),
            "put the factor on the product of all penalties",
            "The factor is already one on",
        ),
        (
            DEATHS[0] * outlives(DEPTHS),
            "followed the strongest mode",
            "So long lives the strongest mode",
        ),
    ],
    "08-b.3": [
        (KEPT / LEAST, "gave the ratio", "This is the ratio. How much"),
        (100 * (KEPT / LEAST - 1), "gave percent", "Give a share of 1, not"),
        (KEPT - LEAST, "gave the difference", "Divide the difference by the minimum"),
        (np.zeros(3), "looked at the death, where both are equal", "At the death both are equally"),
    ],
    "08-c": [
        (True, "thought that tiny penalties bring it back", "Then the hill is low, but"),
    ],
    "10-a": [
        (0.52, "forgot to take the constant away", "This is the sum with the"),
        (0.26, "stopped after one mode", "This is one of two equal"),
        (1, "lost 1/N", "The fit is divided by 2N"),
        (0.02, "gave the constant", "This is the constant, the difference"),
        (0, "took nothing for no cost", "W and H are 0, but"),
    ],
    "10-b.1": [
        (
            WORSE + PAIRED_MINIMUM,
            "gave the objective of the worst order",
            "This is the objective of the",
        ),
        (WORSE / 2, "kept 1/(2N) before the mixed term", "The square has twice the mixed"),
        (WORSE * 10_015, "left out 1/N", "The fit is divided by N"),
        (1 + WORSE / PAIRED_MINIMUM, "gave the ratio", "This is a ratio. Give the"),
        (
            kappas(LESIONS)[0] * PAIRED[0] / 10_015,
            "swapped only the first and the last mode",
            "Swapping the first and the last",
        ),
    ],
    "10-b.2": [
        ({2, 3}, "numbered the modes from 0", "Number the modes from 1"),
        ({5, 6}, "looked for the nearest kappa alone", "Both are dead, so that costs"),
        ({6, 7}, "took the two weakest modes", "Both are dead, so that costs"),
        ({1, 2}, "took the strongest pair", "This pair is the dearest of"),
    ],
    "10-b.3": [
        (lambda *case: swap(*case) / 2, "kept 1/(2N)", "The square has twice the mixed"),
        (
            lambda *case: -swap(*case),
            "took before minus after",
            "The sign: swapping makes the objective",
        ),
        (lambda *case: swap(*case) * case[-1], "left out N", "The fit is divided by N"),
        (
            lambda kappa_i, kappa_j, z_i, z_j, N: (kappa_i * z_i - kappa_i * z_j) / N,
            "swapped one mode and not the other",
            "Mode j gets another z as",
        ),
    ],
    "10-c": [
        (VALLEY, "took the valley", "This is the valley, where the"),
        (SLOPE, "gave x", "This is x. Turn it into"),
        (HILL / MODE, "gave the share", "This is the share s ="),
        (MODE * SLOPE, "took x for the share", "x is not the share: s"),
        (MODE * SLOPE / (1 + SLOPE), "used x instead of x^L", "For three layers it is x"),
    ],
    "14-a": [
        (
            {"E1"},
            "thought that eigenvalues and singular values always differ",
            "Is the matrix symmetric here? Then",
        ),
        ({"E3"}, "forgot that the metric divides by norms", "With all kappa equal, q to"),
        ({"E4"}, "counted classes as groups (E4)", "E4 and E8 are about three"),
        ({"E8"}, "counted classes as groups (E8)", "E4 and E8 are about three"),
        ({"E4", "E8"}, "counted classes as groups", "E4 and E8 are about three"),
        (
            {"E1", "E3", "E4", "E8"},
            "thought that a wrong formula is wrong everywhere",
            "A wrong formula may give right",
        ),
    ],
    "14-b": [
        (45, "gave the angle in degrees", "This is the angle. How long"),
        (np.pi / 4, "gave the angle", "This is the angle. The chord"),
        (2**-0.5, "took the sine of the angle", "The chord of an angle t"),
        (np.sin(np.pi / 8), "forgot the 2", "This is half of the chord"),
        (2**0.5, "took the targets for orthogonal", "The printed target (1, 1) is"),
        (
            2 * np.sin((np.pi / 4 - np.arctan(1e-3)) / 2),
            "stopped at a ratio of 1000",
            "Close, but the ratio can grow",
        ),
    ],
    "00-a.1": [
        ([5e-4, 5e-4], "took the weight decay for lambda_W", "That is so only for half"),
        ([5e-6, 1.3e-2], "forgot the half", "The theory's fit has a half"),
        ([2.5e-4, 6.5e-3], "left out the batch", "The sum goes over the whole"),
        ([5e-4 / (2 * 5500), 6.5e-3], "took all samples for a batch", "The sum goes over a batch"),
        ([2.5e-6, 2.5e-4], "left out the classes", "The mean of MSELoss() goes over"),
        ([0.1, 1e-3 / 26], "multiplied instead of dividing", "A larger loss makes the same"),
        ([6.5e-3, 2.5e-6], "swapped the two", "Give the sum first. Which loss"),
    ],
    "00-a.2": [
        (1 / 2600, "turned the ratio over", "How many times is the larger"),
        (100, "left out the classes", "This is the batch. MSELoss() takes"),
        (26, "left out the batch", "These are the classes. The sum"),
        (5500 * 26, "took all samples for a batch", "The sum goes over a batch"),
        (1, "took both for the same", "They have the same weight decay"),
    ],
    "00-b": [
        (
            1e-3 * (MARGIN / 2) ** (1 + 1 / HEADS),
            "gave lambda_W",
            "This is lambda_W. Translate it: MSELoss()",
        ),
        (2e-3 / 7 * MARGIN / 2, "moved all penalties", "This would do if lambda_H moved"),
        (
            2e-3 / 7 * (MARGIN / 2) ** (HEADS / (HEADS + 1)),
            "turned the exponent over",
            "L layers have to do what",
        ),
        (
            2e-3 / 7 * (MARGIN / 2) ** (HEADS + 1),
            "let one layer do the work of all",
            "The weight decay acts on all",
        ),
        (
            2e-3 / 7 * (FIRST_DEATH / 2) ** (1 + 1 / HEADS),
            "waited for the first mode to die",
            "With one layer a class is lost",
        ),
        (
            2e-3 / 7 * MARGIN ** (1 + 1 / HEADS),
            "went up to the first loss",
            "There the first class is lost",
        ),
        (
            1e-3 / 7 * MARGIN ** (1 + 1 / HEADS),
            "halved the weight decay of the first loss",
            "The margin is a factor on",
        ),
    ],
    "00-c": [
        (2**-0.5, "forgot the mean over the classes", "So much smaller is kappa. But"),
        (
            1 / 2,
            "forgot kappa, or one of the two penalties",
            "Three things change: kappa is smaller",
        ),
        (1 / 4, "halved kappa", "Splitting halves n, which is the"),
        (8**0.5, "turned the ratio over", "This is how much the margin"),
        (
            1,
            "took the margin for a matter of the number of samples",
            "There are as many samples as",
        ),
    ],
    "11-a.1": [
        (
            2916 ** (-1 / 3),
            "counted three penalties instead of four",
            "Three layers and the features: that",
        ),
        (1 / 2916, "gave the power", "This is lambda to the power"),
        (128 ** (-1 / 3), "took two layers", "This is the tie of two"),
        ((2916 / 8) ** (-1 / 4), "took mu = 1, without the 1/N", "mu is kappa squared divided by"),
        (
            (2916 / 4) ** (-1 / 4),
            "took the end of the valley for the tie",
            "There the valley ends. At the",
        ),
    ],
    "11-a.2": [
        ([[1 / 3, -1 / 3], [-1 / 3, 1 / 3]], "forgot the bias", "Each column must sum to 1"),
        (
            [[2 / 3, 1 / 3], [1 / 3, 2 / 3]],
            "took the share for the answer",
            "s is the share of the",
        ),
        (
            [[1 / 2, 1 / 2], [1 / 2, 1 / 2]],
            "gave the other network",
            "This is the network with the",
        ),
        (
            [[3 / 4, 1 / 4], [1 / 4, 3 / 4]],
            "took the share of two layers",
            "This is the tie of two",
        ),
        ([[1, 0], [0, 1]], "took alive for perfect", "The mode is alive, but the"),
    ],
    "11-a.3": [
        (1 / 2, "lost the 1/2", "The loss is divided by 2N"),
        (1, "lost the 1/N", "The loss is divided by 2N"),
        (1 / 36, "counted the fit of the alive network alone", "This is its fit. Its weights"),
        (2 / 9, "counted its penalties alone", "These are its penalties. It does"),
    ],
    "11-b.1": [
        (
            last_size(3) + 1,
            "gave the first number that is too many",
            "Here one kind is already wrong",
        ),
        (last_size(3) - 6705, "gave how many may be added", "This many may be added. How"),
        (
            last_size(3) + 10_015 - 6705,
            "gave the number of all pictures",
            "This is the number of all",
        ),
        (last_size(1), "took a head of one layer", "This is where one layer loses"),
    ],
    "11-b.2": [
        (6e-4 * RESCUE, "moved all four penalties", "This would do for all penalties"),
        (6e-4 * RESCUE**4, "let one layer do the work of all", "Three layers share the work: take"),
        (6e-4 * RESCUE ** (3 / 4), "turned the exponent over", "Three layers have to do what"),
        (RESCUE ** (4 / 3), "gave the factor", "This is the factor. Which lambda"),
    ],
    "11-d.1": [
        (
            11 / 12,
            "counted the large class among the rare ones",
            "There are 12 rare classes beside",
        ),
        (13 / 14, "counted one class too many", "There are 13 classes, but 12"),
        (
            5 / 6,
            "took the share from which the mode of six layers lives",
            "From this share on the mode",
        ),
        (1 / 2, "took two classes", "This is the share for one"),
        (1 / 13, "gave what the mode leaves", "This is how much may be"),
    ],
    "11-d.2": [
        ([5, 3, 2], "took counts for which the rule holds", "For these the rule holds, even"),
        ([30, 2, 2], "took two equal counts", "Two counts are equal: then the"),
    ],
    "09-a.1": [
        ([0.4, 0.1], "forgot the root", "The root of the count"),
        ([4e-4, 1e-4], "gave the product", "This is the product of the two"),
        ([20, 10], "forgot the N", "Divide by the number of all"),
        ([0.01, 0.02], "swapped the two", "Give the large classes first"),
    ],
    "09-a.2": [
        ([1 / 20_000, 1 / 10_000], "forgot to divide by the sum of the weights", "divides by the"),
        ([0.02, 0.01], "thought that weights do nothing", "These are the places without"),
        ([1 / 60, 1 / 60], "thought that they treat all alike", "So it is with weights of one"),
        ([1 / 40, 1 / 80], "swapped the two", "Which of them merge first"),
    ],
    "09-b.1": [
        (0.5, "took one layer", "This is the power for one"),
        (0.75, "took three layers", "This is the power for three"),
        (1, "took the inverse frequency", "is fair for infinitely many"),
        (1.5, "turned it over", "n^2 w^3 must not depend on n"),
        (-2 / 3, "gave the power of n, not a", "The weights are n^(-a)"),
    ],
    "09-b.2": [
        (6705 / 115, "gave the ratio of the products", "This is the ratio of Lambda"),
        ((6705 / 115) ** 0.5, "took two penalties for three", "The features have a penalty"),
        ((115 / 6705) ** (1 / 3), "turned the ratio over", "The rarest over the most"),
        ((115 / 6705) ** (2 / 3), "left the weights out", "So it is without weights"),
    ],
    "09-c.1": [
        ({9, 10}, "took the rarest alone", "There is another count"),
        (set(range(1, 7)), "took those that stay apart", "These stay apart"),
        (set(range(1, 11)), "thought that all merge", "That is the total collapse"),
        (set(), "thought that none merge", "The root of 100 is 10"),
    ],
    "09-c.2": [
        (1.5, "forgot to divide by the mean weight", "also raises the mean by which"),
        (2.25, "took a weight for as many samples", "A weight counts as it is"),
        (12 / 7, "took the mean over the classes", "The mean goes over the samples"),
        (9 / 14, "turned the ratio over", "The two need a weight above 1"),
    ],
    "09-c.3": [
        (True, "thought that adjustment moves modes", "only the bias takes up"),
    ],
    "12-a.1": [
        (0.02 * 360**0.5, "gave t itself", "This is t, lambda over"),
        (50 / 360**0.5 - 1, "turned it over", "It is t over 1 - t"),
        (7.2 / 6.2, "forgot the root", "is the root of the count"),
        (1 / (500 / 360**0.5 - 1), "took one class for all", "N counts the samples of all"),
    ],
    "12-a.2": [
        (-1 / 9, "took the simplex", "The simplex is left before"),
        (0, "took the orthogonal frame", "for an infinite penalty only"),
        (
            3.6 / (10 * 360**0.5 - 10.8 - 9 * 7.2),
            "turned the sign round",
            "weaker than the contrasts",
        ),
        (
            -14.4 / (10 * 360**0.5 - 3 * 7.2 - 9 * 7.2),
            "took N twice for 3/2 of it",
            "The mean has N times 1 + 1/rho",
        ),
        (
            -3.6 / (11 * 360**0.5 - 10.8 - 10 * 7.2),
            "counted all ten contrasts",
            "Ten classes have nine",
        ),
    ],
    "12-b.1": [
        ([30**0.5 / 990] * 2, "took the same for both", "Depth moves it"),
        (MERGERS[::-1], "swapped the two", "Give the one of one layer"),
        (
            MERGERS * [10**0.5, 10 ** (3 / 4)],
            "took the frequent classes",
            "the three frequent classes merge",
        ),
        (MERGERS**2, "forgot the root", "With one layer it is the root"),
    ],
    "12-b.2": [
        ({1, 4}, "thought that the loss matters", "Inner modes do not see"),
        ({2, 3, 4}, "thought that the bias matters", "A bias is constant in"),
        ({1, 2, 3, 4}, "thought that all matter", "Three of the four move"),
        (set(), "thought that none matters", "One of them does"),
    ],
    "12-c.1": [
        (3.2, "turned it over", "The pairs over collapse"),
        (0.625, "took four layers", "the ratio for four layers"),
        (0.15625, "took six layers", "the ratio for six layers"),
        (1 / 32, "took the ranks alone", "The last two layers have"),
    ],
    "12-c.2": [
        (3, "took one too few", "With three layers the ratio"),
        (2, "took two", "With two layers the ratio"),
        (5, "took one too many", "Try one layer less"),
    ],
    "13-a.1": [
        ([64, 100], "swapped the two", "Which of them is weaker"),
        ([10, 8], "gave the values, not their squares", "The squares are asked for"),
        ([80, 80], "took the geometric mean", "the root of the product of the counts"),
        ([160, 40], "gave the inner modes", "These are the squares of the inner modes"),
    ],
    "13-b.1": [
        ([GAIN / 2, 2 * GAIN], "swapped the two", "The longer vectors have"),
        ([GAIN, GAIN], "took both alike", "Their product is right"),
        ([6 * GAIN, 1.5 * GAIN], "forgot the other classes", "is shared by three modes"),
        (
            np.array([2, 0.5]) * (1 - 3 * GAIN) / 3,
            "took the own answer for the others",
            "The loss falls by what",
        ),
    ],
    "13-b.2": [
        ([10**0.5 / 500, 0.02], "swapped the two", "all pay alike"),
        ([90 / 500, 90**0.5 / 500], "took the frequent classes", "Here the frequent"),
        ([10, 10**0.5], "forgot the N", "Divide by the number of all"),
    ],
    "13-c.1": [
        ([18**0.5 / 100, 0.5**0.5 / 10], "swapped the two", "A bias answers a part"),
        ([50**0.5, 18**0.5], "forgot the N", "The loss is a mean"),
        ([0.5, 0.18], "forgot the root", "the square of the singular value"),
    ],
    "13-c.2": [
        (18**0.5 / 2, "took the bias", "Here there is no bias"),
        (50**0.5 / 100, "gave the slope itself", "Divide it by lambda"),
        (2 / 50**0.5, "turned the ratio over", "The slope over lambda"),
        (25 * 50**0.5, "took the product of the penalties", "The price is the root"),
    ],
}

ROWS = [
    pytest.param(name, *row, id=f"{name}: {row[1]}") for name, rows in HINTS.items() for row in rows
]


@pytest.mark.parametrize(("name", "answer", "why", "words"), ROWS)
def test_a_mistake_gets_the_hint_that_helps_out_of_it(name, answer, why, words):
    verdict = check(name, answer)
    assert not verdict
    assert verdict.mistake == why
    assert words in verdict.message
    if name != "03-c":  # whole numbers beside the roots
        kind, (_, mistakes) = EXERCISES[name].kind, EXERCISES[name].solve()
        registered = {mistake.why: mistake.answer for mistake in mistakes}
        assert kind.apart(kind.read(answer), kind.read(registered[why])) < 0.05


def test_every_mistake_of_every_exercise_has_a_row():
    registered = {
        name: [mistake.why for mistake in exercise.solve()[1]]
        for name, exercise in EXERCISES.items()
    }
    assert {name: [row[1] for row in rows] for name, rows in HINTS.items()} == registered


@pytest.mark.parametrize("name", HINTS)
def test_the_words_tell_the_hints_of_an_exercise_apart(name):
    """But where two mistakes have one hint."""
    hints = {mistake.hint for mistake in EXERCISES[name].solve()[1]}
    for _, _, words in HINTS[name]:
        assert sum(words in hint for hint in hints) == 1
