"""The explorable of the relatives: every cosine from dense matrices whose optimality is checked."""

import numpy as np
import pytest
from every_explorable import explorable

import nclib as nc
from nclib.theory.related import RELATIVES, relative_optimum

SELI = "SELI, for vanishing λ"
COUNTS = {
    "300, six times": [300] * 6,
    "300 and 30, three times each": [300] * 3 + [30] * 3,
    "300, 190, 120, 75, 48, 30": [300, 190, 120, 75, 48, 30],
}


def table():
    return {name: np.array(cells, object) for name, cells in explorable("relatives").table.items()}


def maps_at(found, model, counts, lam):
    here = (found["model"] == model) & (found["counts"] == counts) & (found["lambda"] == lam)
    shown = {}
    for of in ("class means", "classifiers"):
        cells = here & (found["of"] == of)
        assert found["class"][cells].tolist() == [k for k in range(1, 7) for _ in range(6)]
        assert found["other"][cells].tolist() == list(range(1, 7)) * 6
        shown[of] = found["cosine"][cells].reshape(6, 6).astype(float)  # None becomes NaN
    return shown


def from_weights(Ws, H):
    """Cosines between class means and between classifiers, from explicit matrices."""
    head = Ws[0]
    for W in Ws[1:]:
        head = W @ head
    return cosines_of(H), cosines_of(head.T)


def cosines_of(columns):
    length = np.linalg.norm(columns, axis=0)
    unit = columns / np.where(length > 1e-9 * max(length.max(), 1e-30), length, np.nan)
    return unit.T @ unit


@pytest.mark.parametrize("model", RELATIVES)
def test_cosines_are_those_of_matrices_at_which_the_slope_is_zero(model, record_error):
    found, shown = table(), explorable("relatives")
    for place, (name, n) in enumerate(COUNTS.items()):
        for lam in shown.sliders[2].values[place::4]:
            best = relative_optimum(model, nc.ClassCounts(n), lam)
            weights = best.weights()
            problem = RELATIVES[model].problem(nc.ClassCounts(n), lam)
            dWs, dH, db = problem.gradient(*weights)
            if "ReLU" in model:  # a class mean at 0 may have a slope upwards
                dH = np.where(weights[1] > 0, dH, np.minimum(dH, 0))
            slope = max(np.abs(part).max() for part in (*dWs, dH, *([] if db is None else [db])))
            assert record_error("explorables: relatives, slope at the optimum", slope, 2e-4)
            means, head = from_weights(*weights[:2])
            maps = maps_at(found, model, name, lam)
            for matrix, dense in ((maps["class means"], means), (maps["classifiers"], head)):
                np.testing.assert_array_equal(np.isnan(matrix), np.isnan(dense))
                error = np.nanmax(np.abs(matrix - dense), initial=0)
                assert record_error("explorables: relatives, cosines", error, 6e-4)


def test_seli_is_the_centred_labels_at_every_lambda():
    found, shown = table(), explorable("relatives")
    for name, n in COUNTS.items():
        root = np.sqrt(n)
        left, z, right = np.linalg.svd((np.eye(6) - 1 / 6) * root)
        means = cosines_of(np.sqrt(z)[:, None] * right / root)
        for lam in shown.sliders[2].values[::6]:
            maps = maps_at(found, SELI, name, lam)
            assert np.abs(maps["class means"] - means).max() < 6e-4
            assert np.abs(maps["classifiers"] - cosines_of((left * np.sqrt(z)).T)).max() < 6e-4


def test_sentences_say_what_becomes_of_the_classes():
    shown = explorable("relatives")
    halves = "300 and 30, three times each"
    assert shown.summaries["squared, bias", halves, 0.004].startswith(
        "All 6 classes are right. All class means differ"
    )
    said = shown.summaries["deep, bias", halves, 0.004]
    assert said.startswith("3 of 6 classes are right. 3 classes share their class mean")
    none = shown.summaries["squared, no bias", halves, 0.008]
    assert none.startswith("3 of 6 classes are right. 3 class means are 0")
    lost = shown.summaries["cross-entropy, no bias", halves, 0.032]
    assert lost == "No class is right. 6 class means are 0."
    even = shown.summaries["cross-entropy, bias", "300, six times", 0.0005]
    assert even.endswith("classifier and class mean: cosine at least 1.00.")
