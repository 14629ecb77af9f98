"""The script for a machine with a CUDA device, as far as it goes without one."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nclib.training.results import load_results, select
from tools import gpu

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "book" / "results" / "runs"
IMAGES = ROOT.parent / "shared" / "data" / "cifar10_subset.npz"


@pytest.fixture(scope="module")
def stored():
    (run,) = select(load_results(RUNS), epochs=12_000)
    return run


@pytest.mark.skipif(not IMAGES.exists(), reason="needs ../shared/data/cifar10_subset.npz")
def test_it_trains_the_network_that_is_stored(stored):
    assert gpu.paper_run(IMAGES).name == stored.experiment.name


def test_the_stored_run_meets_the_aims_and_a_worse_one_does_not(stored):
    assert gpu.misses(stored) == []
    metrics = stored.reached["metrics"] | {"nc3": 0.031}
    worse = replace(stored, reached=stored.reached | {"gap": 2e-3, "metrics": metrics})
    assert gpu.misses(worse) == [
        "gap is 0.002, the aim is 0.001",
        "nc3 is 0.031, the aim is 0.03",
    ]
    local = replace(stored, reached=stored.reached | {"is_global": False, "alive": 8})
    assert gpu.misses(local) == ["8 modes alive, not the optimum's"]
    unknown = replace(stored, reached=stored.reached | {"metrics": {}})
    assert [line.split()[0] for line in gpu.misses(unknown)] == ["nc2_w", "nc2_h", "nc2_wh", "nc3"]


def test_without_a_device_it_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--images", "cifar10_subset.npz", "--out", str(tmp_path)]) == 2
    assert "No CUDA device" in capsys.readouterr().err


@pytest.mark.parametrize("path", gpu.TESTS)
def test_its_tests_ask_for_a_device(path):
    assert "cuda" in (gpu.ROOT / path).read_text(encoding="utf-8")
