"""The explorable of losses and remedies, against optima whose conditions are checked densely."""

import numpy as np
import pytest
from every_explorable import explorable

import nclib as nc

LESIONS = np.array([6705, 1113, 1099, 514, 327, 142, 115])
N = LESIONS.sum()

WEIGHTS = {
    "nothing": np.ones(7),
    "class weights 1/√n": LESIONS**-0.5,
    "class weights 1/n": 1 / LESIONS,
    "label smoothing 0.1": np.ones(7),
    "logit adjustment": np.ones(7),
}
SHARES = {"balanced sampling": np.ones(7), "√n sampling": LESIONS**0.5}


def parts_of(remedy):
    """Samples drawn, weights and targets of a remedy, written out."""
    drawn = LESIONS.astype(float)
    if remedy in SHARES:
        drawn = N * SHARES[remedy] / SHARES[remedy].sum()
    weight = WEIGHTS.get(remedy, np.ones(7))
    weight = weight * N / (weight @ drawn)
    eps = 0.1 if remedy == "label smoothing 0.1" else 0.0
    return drawn, weight, (1 - eps) * np.eye(7) + eps / 7


def made(loss, remedy, lam):
    settings = {}
    if remedy.startswith("class weights"):
        settings["class_weights"] = WEIGHTS[remedy]
    if remedy == "label smoothing 0.1":
        settings["label_smoothing"] = 0.1
    if remedy == "logit adjustment" and loss == "cross-entropy":
        settings["adjustment"] = 1.0
    kind = nc.CrossEntropy if loss == "cross-entropy" else nc.SquaredError
    sampling = nc.theory.Sampling(SHARES[remedy]) if remedy in SHARES else None
    problem = nc.LossProblem(
        LESIONS, kind(**settings), lambda_W=lam, lambda_H=lam, sampling=sampling
    )
    return nc.loss_minimizer(problem, tol=1e-12)


def off_optimality(loss, remedy, lam, logits, bias):
    """How far the conditions of the optimum are off: T against the gradient, and the bias."""
    drawn, weight, targets = parts_of(remedy)
    if loss == "cross-entropy":
        shift = np.log(LESIONS / N) if remedy == "logit adjustment" else np.zeros(7)
        u = logits + shift[:, None]
        answer = np.exp(u - u.max(axis=0))
        answer /= answer.sum(axis=0)
    else:
        answer = logits
    residual = (answer - targets) * weight
    slope = -residual * np.sqrt(drawn) / N
    T = (logits - bias[:, None]) * np.sqrt(drawn)
    # The best T has its singular vectors where those of the slope belong to lam, none beyond.
    inner = float(np.sum(slope * T))
    beyond = max(np.linalg.norm(slope, 2) / lam - 1, 0)
    nuclear = np.linalg.norm(T, "nuc")
    return max(
        beyond,
        abs(inner - lam * nuclear) / max(lam * nuclear, 1e-3),
        np.abs(residual @ drawn).max() / N,
    )


def leads_of(loss, logits):
    answers = logits
    if loss == "cross-entropy":
        answers = np.exp(logits - logits.max(axis=0))
        answers = answers / answers.sum(axis=0)
    rivals = answers - 2e9 * np.eye(7)
    return np.diag(answers) - rivals.max(axis=0)


@pytest.mark.parametrize("loss", ["cross-entropy", "squared error"])
def test_leads_are_those_of_the_optimum(loss, record_error):
    shown = explorable("remedies")
    table = {name: np.array(cells) for name, cells in shown.table.items()}
    lambdas = shown.sliders[2].values
    for place, remedy in enumerate(shown.sliders[1].values):
        for lam in (lambdas[place], lambdas[8 + place], lambdas[14 + place]):
            here = (table["loss"] == loss) & (table["remedy"] == remedy) & (table["lambda"] == lam)
            assert table["n"][here].tolist() == LESIONS.tolist()
            best = made(loss, remedy, lam)
            logits = best.logits()
            bad = off_optimality(loss, remedy, lam, logits, best.b)
            assert record_error("explorables: remedies, conditions of the optimum", bad, 1e-5)
            lead = leads_of(loss, logits)
            error = np.abs(lead - table["lead"][here]).max()
            assert record_error("explorables: remedies, lead", error, 2e-5)
            right = table["right"][here].astype(bool)
            assert (lead[right] > 0).all()
            assert (lead[~right] < 1e-9).all()
            said = shown.summaries[loss, remedy, lam]
            assert f"and {best.alive} of 6 modes are alive" in said
            accuracy = LESIONS[right].sum() / N if right.any() else 1 / 7
            words = said.partition("optimum ")[2].removesuffix(" %.")
            tied = not right.any()
            assert float(words) == pytest.approx(100 * accuracy, abs=0.006) or tied


def test_the_picture_at_first_shows_what_the_chapter_says():
    shown = explorable("remedies")
    default = tuple(slider.default for slider in shown.sliders)
    assert shown.summaries[default].startswith("5 of 7 classes are right, without vasc, df")
    _, _, lam = default
    kept = shown.summaries["cross-entropy", "class weights 1/√n", lam]
    assert kept.startswith("All 7 classes are right")
    strong = [s for s in shown.sliders[2].values if s > 0.005]
    inverse = [shown.summaries["cross-entropy", "class weights 1/n", s] for s in strong]
    assert any("without nv" in said for said in inverse)
    assert not any("without df" in said for said in inverse)
    assert "no logits to adjust" in shown.summaries["squared error", "logit adjustment", lam]
