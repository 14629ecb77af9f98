"""Results that were written down by hand: how they are stored, chosen and listed."""

import json
import math

import pytest

import nclib as nc
from nclib.training.config import TrainingConfig
from nclib.training.experiment import Experiment, hash_of
from nclib.training.loss_runs import TREATMENTS, loss_runs, loss_table
from nclib.training.paper import paper_figure
from nclib.training.results import (
    Result,
    by_sweep,
    figure_results,
    load_results,
    load_ways,
    results_table,
    select,
)


def entry(**changes):
    """The end of a run."""
    return {
        "epoch": 10,
        "train_accuracy": 0.875,
        "test_accuracy": 0.5,
        "gap": 0.25,
        "alive": 1,
        "train_accuracy_per_class": [1.0, 0.25],
        "metrics": {"corrected": {"nc1": 0.0625}, "as_printed": {"nc1": 0.5}},
    } | changes


def a_result(data="digits", counts=(30, 20), metrics=None, seconds=600.0, last=None, **settings):
    basic = {"depth": 2, "lambda_W": 5e-4, "lambda_H": 1e-5, "width": 64, "epochs": 10}
    experiment = Experiment(data, counts, TrainingConfig(**(basic | settings)))
    against = {"nc2_w": 0.111, "nc2_h": 0.222, "nc2_wh": 0.333, "nc3": 0.444}
    reached = {
        "alive": 1,
        "objective": 0.5,
        "gap": 2e-4,
        "is_global": True,
        "metrics": against if metrics is None else metrics,
    }
    last = entry() if last is None else last
    return Result(experiment, [last], reached, {"train": 50, "test": 20}, {}, seconds)


# ---------------------------------------------------------------- the table


def columns(line, head):
    """Cut a line where the words of its head end."""
    ends = [i + 1 for i, c in enumerate(head) if c != " " and head[i + 1 : i + 2] in ("", " ")]
    return [line[a:b].strip() for a, b in zip([0, *ends], ends, strict=False)]


def test_every_number_stands_under_its_word():
    _, head, row = results_table([a_result(seconds=6000.0)]).split("\n")
    assert len(row) == len(head)
    assert dict(zip(head.split(), columns(row, head), strict=True)) == {
        "L": "2",
        "seed": "0",
        "alive": "1/1",
        "gap": "2e-04",
        "NC1": "6e-02",
        "NC2^W": "0.111",
        "NC2^H": "0.222",
        "NC2^WH": "0.333",
        "NC3": "0.444",
        "train": "87.5",
        "test": "50.0",
        "min": "100",
    }


def test_what_is_open_is_blank_and_as_wide():
    last = entry(test_accuracy=None, metrics={"corrected": {"nc1": None}})
    one = a_result(metrics={}, last=last, bias=False, seconds=29.0)
    _, head, row = results_table([one]).split("\n")
    assert len(row) == len(head)
    cells = columns(row, head)
    assert cells == ["2", "0", "1/2", "2e-04", "", "", "", "", "", "87.5", "", "0"]


def test_groups_have_titles_that_tell_them_apart():
    results = [
        a_result(seed=1),
        a_result(depth=1),
        a_result(batch_size=7),
        a_result(data="letters"),
        a_result(),
    ]
    groups = by_sweep(results)
    assert list(groups) == [
        "digits-50of2-bias-W0.0005-H1e-05-w64-e10, batch_size 128",
        "digits-50of2-bias-W0.0005-H1e-05-w64-e10, batch_size 7",
        "letters-50of2-bias-W0.0005-H1e-05-w64-e10",
    ]
    assert next(iter(groups.values())) == [results[1], results[4], results[0]]
    assert results_table(results).split("\n\n")[2].splitlines()[0] == list(groups)[2]


@pytest.mark.parametrize(
    ("counts", "length"), [((1, 2, 3, 4, 5, 10), 19), ((1, 2, 3, 4, 10, 10), 20),
                           ((1, 2, 3, 10, 10, 10), 21)],
)  # fmt: skip
def test_a_title_has_of_settings_longer_than_20_a_hash(counts, length):
    (title, _) = by_sweep([a_result(counts=counts), a_result(counts=counts[::-1])])
    written = str(list(counts))
    assert len(written) == length
    shown = written if length <= 20 else hash_of(list(counts))[:10]
    assert title.endswith(f", counts {shown}")


def test_penalties_that_are_equal_in_all_layers_are_one_setting():
    results = [
        a_result(depth=3),
        a_result(depth=2, lambda_W=(5e-4, 1e-4)),
        a_result(depth=2, lambda_W=(1e-4, 5e-4)),
    ]
    assert list(by_sweep([*results, a_result(depth=1)])) == [
        "digits-50of2-bias-W0.0005-H1e-05-w64-e10",
        "digits-50of2-bias-W0.0005-0.0001-H1e-05-w64-e10",
        "digits-50of2-bias-W0.0001-0.0005-H1e-05-w64-e10",
    ]


# ---------------------------------------------------------------- files


def test_numbers_are_stored_to_seven_digits_and_settings_to_all(tmp_path):
    value = 0.123456789
    one = a_result(last=entry(gap=value, epoch=123456789), lambda_W=value)
    path = one.save(tmp_path / "new")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["history"][0]["gap"] == 0.1234568
    assert content["history"][0]["epoch"] == 123456789
    assert content["experiment"]["config"]["lambda_W"] == [value, value]
    (loaded,) = load_results(tmp_path / "new")
    assert loaded.experiment == one.experiment
    assert loaded.history[0]["gap"] == 0.1234568


def test_a_line_of_the_file_is_an_entry(tmp_path):
    one = a_result()
    one.history.append(entry(epoch=20))
    text = one.save(tmp_path).read_text(encoding="utf-8")
    assert [line[:11] for line in text.splitlines()[1:]] == ['{"epoch":10', '{"epoch":20']
    assert text.endswith("}\n")


def test_what_is_no_number_is_not_stored(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        a_result(last=entry(gap=math.nan)).save(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "object"),
        ("{}", "sha256"),
        ("no JSON", "Expecting value"),
        (json.dumps({"sha256": "0"}), "its checksum is another"),
        (json.dumps({"a": 1, "sha256": hash_of({"a": 1})}), "experiment"),
        (json.dumps({"experiment": 1, "sha256": hash_of({"experiment": 1})}), "Experiment"),
        (json.dumps({"experiment": None, "sha256": hash_of({"experiment": None})}), "Experiment"),
    ],
)
def test_a_file_that_holds_no_result_is_named(tmp_path, content, words):
    path = tmp_path / "a.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"a\.json does not hold a result.*: .*{words}"):
        Result.load(path)


# ---------------------------------------------------------------- chosen


def test_a_penalty_is_that_of_every_layer():
    results = [a_result(), a_result(depth=1), a_result(lambda_W=(5e-4, 1e-4))]
    assert select(results, lambda_W=5e-4) == results[:2]
    assert select(results, lambda_W=(5e-4, 5e-4)) == results[:1]
    assert select(results, depth=1, lambda_W=[5e-4]) == results[1:2]
    assert select(results, epochs=11) == []


def test_counts_without_names_are_those_of_any_classes():
    results = [a_result(), a_result(counts=nc.ClassCounts([30, 20], ["cat", "dog"]))]
    assert select(results, counts=(30, 20)) == results
    assert select(results, counts=nc.ClassCounts([30, 20], ["cat", "dog"])) == results[1:]
    assert select(results, counts=(20, 30)) == []


def test_a_figure_is_chosen_by_its_settings():
    def of(factor, number=3):
        (experiment,) = paper_figure(number, "small", depths=(1,), lambda_factor=factor)
        return Result(experiment, [entry()], {}, {}, {}, 1.0)

    results = [of(1), of(2), of(1, 1)]
    assert figure_results(results, 3, "small") == results[:1]
    assert figure_results(results, 3, "small", lambda_factor=2) == results[1:2]
    assert figure_results(results, 3) == []


def test_ways_are_loaded_by_name(tmp_path):
    config = a_result().experiment.config
    path = tmp_path / "ways.json"
    row = {"config": config.to_dict(), "epochs_to_aims": None, "alive": 1, "end": {"gap": 0.5}}
    path.write_text(json.dumps({"first": row}), encoding="utf-8")
    assert load_ways(path) == {"first": (config, None, 1, {"gap": 0.5})}


# ---------------------------------------------------------------- the table of losses


def of_losses(row, alive, gap, seed=0):
    (experiment,) = loss_runs("cifar10_subset", rows=[row], seeds=[seed])[row]
    shares = experiment.optimum.training_accuracy().per_class.round()
    last = entry(alive=alive, gap=gap, train_accuracy_per_class=shares.tolist())
    return Result(experiment, [last], {}, {}, {}, 1.0)


def test_the_table_of_losses_stands_under_its_words_and_shows_the_worst():
    (best,) = loss_runs("cifar10_subset", rows=["plain"])["plain"]
    alive = best.optimum.alive
    runs = [of_losses("plain", alive, 3e-4, 1), of_losses("plain", alive + 1, 1e-4, 0)]
    head, line = loss_table(runs, "cifar10_subset").splitlines()
    assert line[:36].rstrip() == "plain"
    ends = [head.index(word) + len(word) for word in ("runs", "strength", "gap")]
    strength = TREATMENTS["plain"].strength["cifar10_subset"]
    for end, text in zip(ends, ("2", f"{strength:g}", "3e-04"), strict=True):
        assert line[:end].endswith(f" {text}")
    modes, classes = line[ends[-1] :].split()
    assert modes == f"{alive}:1/2"
    right = int((best.optimum.training_accuracy().per_class == 1).sum())
    assert classes == f"{right}:2/2"
