"""The page of questions: each number is computed again; words that people search for are there."""

import itertools
import math
import re
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

import nclib as nc

BOOK = Path(__file__).resolve().parents[2] / "book"
PAGE = (BOOK / "questions.md").read_text(encoding="utf-8")

LESIONS = nc.gallery()["ham10000"].counts
n = LESIONS.n.astype(float)
CIFAR = nc.ClassCounts.cifar10_paper()
CE = nc.CrossEntropy


def answers():
    """The text of each question, by the end of its label."""
    parts = re.split(r"^\(question-([\w-]+)\)=\n## .+$", PAGE, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {name: text.partition("\n## ")[0] for name, text in found.items()}


REMEDIES = {
    "nothing": (CE(), None),
    "1/n": (CE(class_weights=1 / n), None),
    "root": (CE(class_weights=n**-0.5), None),
    "balanced": (CE(), nc.theory.Sampling("balanced")),
    "smooth": (CE(class_weights=1 / n, label_smoothing=0.1), None),
}


def wrong_at(remedy, factor, counts=LESIONS, lambda_W=5e-4, lambda_H=1e-5):
    """Classes that the optimum gets wrong with all penalties times a factor."""
    loss, sampling = REMEDIES[remedy]
    problem = nc.LossProblem(
        counts, loss, lambda_W=factor * lambda_W, lambda_H=factor * lambda_H, sampling=sampling
    )
    outcomes = nc.class_outcomes(nc.loss_minimizer(problem, tol=1e-11))
    return set(np.flatnonzero(outcomes.right[outcomes.group] < 1).tolist())


def is_margin(written, remedy, first=None, **settings):
    """Return a margin as it is written, if nothing is lost just below and something just above."""
    half = 0.5 * 10.0 ** -len(written.partition(".")[2])
    assert not wrong_at(remedy, float(written) - half, **settings)
    lost = wrong_at(remedy, float(written) + half, **settings)
    assert lost if first is None else lost == {first}
    return written


def batch_shares(size):
    """Shares of the loss for counts 1000, 100, 10 and weights 1/n: all batches, one by one."""
    counts = (1000, 100, 10)
    shares = np.zeros(3)
    for rare in range(min(size, 10) + 1):
        for middle in range(size - rare + 1):
            c = np.array([size - rare - middle, middle, rare])
            chance = math.comb(1000, c[0]) * math.comb(100, c[1]) * math.comb(10, c[2])
            part = c / np.array(counts)
            shares += chance / math.comb(1110, size) * part / part.sum()
    return shares


def row_ratio(loss, bias, lam):
    """Length of the weights of a class of 500 samples over that of one of 100."""
    best = nc.loss_minimizer(nc.LossProblem(CIFAR, loss, bias=bias, lambda_W=lam, lambda_H=lam))
    lengths = np.linalg.norm(best.head(), axis=1)
    return lengths[0] / lengths[-1]


def right(loss, lam):
    problem = nc.LossProblem(CIFAR, loss, lambda_W=lam, lambda_H=lam)
    return nc.class_outcomes(nc.loss_minimizer(problem)).classes_right


def merging(counts, **settings):
    """Lambda at which the classes of each count merge, the most frequent first."""
    problem = nc.LossProblem(counts, settings.pop("loss", CE()), lambda_W=1, lambda_H=1, **settings)
    return nc.theory.loss_collapse_factors(problem).inner


def needed(lambda_W, lambda_H):
    """The least number of samples of two classes that are apart, among 10,015 in all."""
    for k in itertools.count(1):
        counts = nc.ClassCounts([10_015 - 2 * k, k, k])
        problem = nc.LossProblem(counts, CE(), lambda_W=lambda_W, lambda_H=lambda_H)
        if nc.theory.loss_collapse_factors(problem).inner[-1] > 1:
            return k
    return None


def weights_and_oversampling():
    margins = [
        is_margin("13.15", "nothing", first=6),
        is_margin("48.14", "1/n", first=0),
        is_margin("55.23", "root"),
        is_margin("53.41", "balanced"),
    ]
    return ["0.0005", "0.00001", *margins]


def class_weight():
    powers = {}
    for depth in (2, 3, 6):
        power = depth / (depth + 1)
        loss = nc.SquaredError(class_weights=CIFAR.n**-power)
        alike = merging(CIFAR, loss=loss, depth=depth, bias="none")
        assert np.ptp(alike) < 1e-9 * alike.max()
        powers[depth] = f"{power:.3f}".rstrip("0")
    shares = [f"{s:.2f}" for size in (1, 8, 32) for s in batch_shares(size)]
    return [*powers.values(), "1000", "100", "10", "1", "8", "32", *shares]


def never_predicted():
    first = is_margin("0.00316", "nothing", counts=CIFAR, lambda_W=1, lambda_H=1)
    return ["1", "100", "3,000", first, f"{merging(CIFAR)[-1]:.5f}"]


def how_many_samples():
    assert needed(5e-4, 1e-5) == 1
    return ["10015", "0.005", "0.0001", str(needed(5e-3, 1e-4))]


def weight_decay():
    places = nc.gallery()["places-lt"].counts
    share = places.n.min() / places.N
    problem = nc.LossProblem(places, CE(), lambda_W=1, lambda_H=0.1 / places.N)
    decay = nc.theory.loss_collapse_factors(problem).inner[-1] ** 2
    assert decay == pytest.approx(share / 0.1)
    return [
        str(places.K), f"{places.N:,}", str(places.n.min()), f"{share:.5f}", "0.1",
        f"{decay:.4f}", "2", "4", f"{decay / 4:.4f}",
    ]  # fmt: skip


def longer_weights():
    weak = [row_ratio(*case, 1e-6) for case in ((nc.SquaredError(), "none"), (CE(), "free"))]
    near = [row_ratio(*case, 3e-3) for case in ((nc.SquaredError(), "none"), (CE(), "free"))]
    assert weak[0] == pytest.approx(5**0.25, rel=1e-3)
    return ["500", "100", "0.003", *(f"{ratio:.2f}" for ratio in (*weak, *near))]


def logit_adjustment():
    root = CE(class_weights=CIFAR.n**-0.5)
    cases = [(CE(), 0.0032), (CE(adjustment=1.0), 0.0032), (CE(), 0.0034),
             (CE(adjustment=1.0), 0.0034), (root, 0.0034)]  # fmt: skip
    found = [right(*case) for case in cases]
    assert found == [8, 10, 8, 8, 10]
    return ["1", "10", "0.0032", "0.0034", *map(str, found)]


def resampling():
    plain = merging(CIFAR)
    followed = merging(CIFAR, sampling=nc.theory.Sampling("balanced"))
    fixed = merging(CIFAR, sampling=nc.theory.Sampling("balanced", "fixed"))
    assert np.ptp(followed) < 1e-12
    return ["10", "100", "500", f"{plain[-1]:.5f}", f"{plain[0]:.5f}", f"{followed[0]:.5f}",
            f"{fixed[0]:.5f}", f"{fixed[-1]:.2f}"]  # fmt: skip


def smoothing_with_weights():
    limit = 1 + 7 * 0.9 / 0.1
    plain, smooth = (merging(CIFAR, loss=CE(label_smoothing=eps)) for eps in (0, 0.1))
    return ["7", "0.1", f"{limit:.0f}", f"{6705 / 115:.1f}", is_margin("48.14", "1/n", first=0),
            is_margin("4.02", "smooth", first=0), f"{(smooth / plain).mean():.1f}"]  # fmt: skip


def baseline():
    """In units of the mean penalty of the features: lambda_H is that over N."""

    def price(counts, **settings):
        problem = nc.LossProblem(counts, CE(), lambda_W=1, lambda_H=1 / counts.N, **settings)
        return nc.theory.loss_collapse_factors(problem)

    doubled = nc.ClassCounts(np.repeat(LESIONS.n, 2))
    balanced = price(LESIONS, sampling=nc.theory.Sampling("balanced")).total ** 2
    few = price(nc.ClassCounts([115] * 7)).inner[0] ** 2
    assert balanced == pytest.approx(1 / 7)
    assert few == pytest.approx(1 / 7)
    # Two classes of 115 among twice as many samples have half of the share.
    share = 2 * price(doubled).inner[-1] ** 2
    return [f"{balanced:.3f}", f"{share:.4f}"]


COMPUTED = {
    "weights-or-oversampling": weights_and_oversampling,
    "class-weight": class_weight,
    "never-predicted": never_predicted,
    "how-many-samples": how_many_samples,
    "weight-decay": weight_decay,
    "longer-weights": longer_weights,
    "logit-adjustment": logit_adjustment,
    "resampling": resampling,
    "smoothing-with-weights": smoothing_with_weights,
    "baseline": baseline,
    "focal-loss": list,
}


def numbers_in(text):
    """Numbers of a text, without code, links, formulas of powers and fractions, and citations."""
    text = re.sub(r"`[^`]*`|\{[^}]*\}`[^`]*`|\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"1/\\sqrt n|1/n|n\^\{[^}]*\}|N\^2|1/K|CIFAR-10", " ", text)
    return re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text.replace(",\n", "\n").replace(", ", " "))


@pytest.mark.parametrize("name", COMPUTED)
def test_every_number_of_an_answer_is_computed_again(name):
    given, computed = numbers_in(answers()[name]), COMPUTED[name]()
    assert {value.rstrip(",") for value in given} <= set(computed)
    missing = [value for value in computed if value not in answers()[name].replace("$", " ")]
    assert not missing


def test_there_are_ten_questions_and_what_is_not_covered():
    assert list(answers()) == list(COMPUTED)
    assert len(COMPUTED) == 11
    assert "not covered" in answers()["focal-loss"]


@pytest.mark.parametrize("name", COMPUTED)
def test_every_answer_is_short_and_leads_on(name):
    text = answers()[name]
    assert len(text.split()) < 190
    links = re.findall(r"\{(ref|py:\w+)\}`([\w.-]+)`", text)
    assert links
    notebook = (BOOK / "09-losses.ipynb").read_text(encoding="utf-8")
    for role, target in links:
        if role == "ref":
            assert f'"({target})=\\n"' in notebook, target
        else:
            assert attrgetter(target.removeprefix("nclib."))(nc)


@pytest.mark.parametrize(
    "words",
    [
        "class imbalance", "long tail", "class_weight", "weight decay", "WeightedRandomSampler",
        "focal loss", "oversampling", "undersampling", "label smoothing", "logit adjustment",
        "balanced softmax", "rare class", "minority class",
    ],
)  # fmt: skip
def test_words_that_people_search_for_are_there(words):
    assert words in PAGE.lower().replace("\n", " ") or words in PAGE
