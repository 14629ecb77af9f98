"""Every cell of the training curves, from the files of results."""

import re

import numpy as np
import pytest
from made_results import METRICS, made, stored

from nclib.views import explorables

NAMES = dict(zip(METRICS, ("NC1", "NC2 W", "NC2 H", "NC2 WH", "NC3"), strict=True))
READINGS = {"corrected": "corrected", "as printed": "as_printed"}
EPOCHS = [0, 1, 2, 4, 8, 16, 100]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Two data sets; of the second there are no runs without a bias, and one has an end of 0."""
    runs = [
        made(data="digits", bias=bias, depth=depth, seed=seed, epochs=EPOCHS, level=0.01)
        for bias in (True, False)
        for depth in (1, 3)
        for seed in (0, 1, 5)
    ]
    runs.append(made(data="ocr_letters", epochs=[0, 1, 2, 3, 8, 100], alive=1))
    runs[0].history[-1]["metrics"]["corrected"]["nc1"] = 0.0
    runs[-1].history[-1]["metrics"]["corrected"]["nc3"] = None
    results, files = stored(tmp_path_factory.mktemp("results"), runs)
    return explorables.training_curves(results), files


def settings(state):
    images, bias, depth, reading, epoch = state
    data = {"digits": "digits", "OCR letters": "ocr_letters"}[images]
    return data, bias == "with", depth, READINGS[reading], epoch


def entries(files, data, bias, depth, epoch):
    """What the files say of an epoch, an entry for each seed."""
    return [
        entry
        for file in files
        for entry in file["history"]
        if file["experiment"]["data"] == data
        and file["experiment"]["config"]["bias"] == bias
        and file["experiment"]["config"]["depth"] == depth
        and entry["epoch"] == epoch
    ]


def rounded(value):
    return float(f"{value:.3g}")


def test_the_positions_are_what_the_results_have(shown):
    explorable, _ = shown
    assert {slider.name: list(slider.values) for slider in explorable.sliders} == {
        "images": ["digits", "OCR letters"],
        "bias": ["with", "without"],
        "L": [1, 3],
        "reading": list(READINGS),
        "epoch": [1, 2, 8, 100],  # those that all histories have
    }
    assert [slider.default for slider in explorable.sliders] == [
        "digits", "with", 3, "corrected", 100
    ]  # fmt: skip


def test_every_cell_is_what_the_files_say(shown):
    explorable, files = shown
    table = explorable.table
    columns = ("images", "bias", "L", "reading", "epoch")
    rows = list(zip(*(table[name] for name in columns), strict=True))
    assert set(rows) == set(explorable.summaries)
    assert len(rows) == len(METRICS) * len(explorable.summaries)
    compared = 0
    for row, title, *cells in zip(
        rows, *(table[name] for name in ("metric", "low", "value", "high")), strict=True
    ):
        data, bias, depth, reading, epoch = settings(row)
        name = next(name for name, shown_as in NAMES.items() if shown_as == title)
        found = [
            entry["metrics"][reading][name] for entry in entries(files, data, bias, depth, epoch)
        ]
        if not found or None in found:
            assert cells == [None] * 3
            continue
        found.sort()
        expected = [found[0], found[len(found) // 2], found[-1]]
        assert cells == [rounded(value) if value > 0 else None for value in expected]
        compared += 1
    assert compared > 100


def test_the_sentence_says_what_came_of_training_and_which_metrics_lead(shown):
    explorable, files = shown
    missing = 0
    for state, sentence in explorable.summaries.items():
        data, bias, depth, reading, epoch = settings(state)
        here = entries(files, data, bias, depth, epoch)
        if not here:
            assert sentence == "No such run is stored."
            missing += 1
            continue
        known = {}
        for name, title in NAMES.items():
            values = [entry["metrics"][reading][name] for entry in here]
            if None not in values and np.median(values) > 0:
                known[title] = np.median(values)
        found = re.search(r"Nearest to collapse is (.+), farthest from it (.+)\.$", sentence)
        least, most = (rounded(end(known.values())) for end in (min, max))
        assert [rounded(known[title]) for title in found.groups()] == [least, most]
        gap = 100 * np.median([entry["gap"] for entry in here])
        assert f"objective {gap:.2g} % above" in sentence
        modes = 4 - bias
        assert f"{here[0]['alive']} of {modes} modes alive" in sentence
        right = 100 * np.median([entry["train_accuracy"] for entry in here])
        assert f"{right:.1f} % of the training images right," in sentence
        assert ("median of 3 seeds" if len(here) == 3 else "1 seed") in sentence
    assert missing == (2 + 1) * len(READINGS) * 4  # letters without a bias, and with one layer


def test_many_epochs_are_thinned_evenly_in_the_logarithm():
    epochs = [0, *range(1, 801)]
    explorable = explorables.training_curves([made(epochs=epochs)])
    kept = np.array(explorable.sliders[-1].values)
    assert len(kept) <= 24
    assert (kept[0], kept[-1]) == (1, 800)
    steps = np.diff(np.log(kept[kept > 10]))
    assert steps.max() < 1.3 * steps.min()


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="at least one; got none"):
        explorables.training_curves([])
    with pytest.raises(ValueError, match="epochs after 0 in common"):
        explorables.training_curves([made(epochs=[0, 1]), made(seed=1, epochs=[0, 2])])
