"""The steps that a CUDA graph records, against the plain loop; recorded where there is CUDA."""

import pytest
import torch
from small_runs import blobs, config

from nclib.training import engine
from nclib.training.engine import train

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
SETTINGS = [
    {"depth": 2, "lambda_warmup": 0.5, "schedule": "cosine"},
    {"depth": 1, "weight_decay": 0.05, "bias": False},
]


def trainer(device="cpu", dtype="float64", **settings):
    x, y = blobs()
    return engine._Trainer(config(dtype=dtype, **settings), x, y, None, torch.device(device))


def taken_by_graph(run):
    """Let a run on a CPU take the steps of its epochs as the graph has them."""
    graph = run._as_graph()
    for epoch in range(run.config.epochs):
        yield graph.run(torch.randperm(run.problem.N, generator=run.order), epoch)


@pytest.mark.parametrize("settings", SETTINGS)
def test_steps_of_the_graph_are_those_of_the_loop(settings):
    looped, graphed = trainer(**settings), trainer(**settings)
    losses = []
    for _ in range(looped.config.epochs):
        losses.append(looped._train_epoch())
        looped.epoch += 1
    assert list(taken_by_graph(graphed)) == pytest.approx(losses, rel=1e-12)
    for there, here in zip(graphed.network.parameters(), looped.network.parameters(), strict=True):
        torch.testing.assert_close(there, here, rtol=1e-10, atol=1e-12)


def test_what_the_recording_changes_is_put_back():
    """Weights as they were, and the state that Adam made on the way as in its first step."""
    run = trainer()
    graph = run._as_graph()
    before = [tensor.detach().clone() for tensor in graph._state()]
    assert len(before) == len(list(run.network.parameters()))
    graph.run(torch.arange(run.problem.N), 0)
    assert len(graph._state()) == 4 * len(before)
    graph._restore(before)
    for tensor, old in zip(graph._state(), before, strict=False):
        assert torch.equal(tensor, old)
    assert not any(tensor.any() for tensor in graph._state()[len(before) :])


@needs_cuda
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_recorded_graph_is_the_loop(settings):
    looped, recorded = trainer(**settings), trainer("cuda", "float32", **settings)
    for _ in range(looped.config.epochs):
        assert recorded._train_epoch() == pytest.approx(looped._train_epoch(), rel=1e-5)
        looped.epoch += 1
        recorded.epoch += 1
    assert recorded.graph is not None
    for there, here in zip(recorded.network.parameters(), looped.network.parameters(), strict=True):
        torch.testing.assert_close(there.cpu().double(), here, rtol=1e-3, atol=1e-5)


@needs_cuda
def test_a_run_on_cuda_goes_on_bit_for_bit(tmp_path, monkeypatch):
    x, y = blobs()
    whole = train(config(depth=3), x, y, device="cuda", progress=False)
    run_epoch, left = engine._Trainer._train_epoch, [3]

    def interrupted(self):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return run_epoch(self)

    monkeypatch.setattr(engine._Trainer, "_train_epoch", interrupted)
    options = {"checkpoints": tmp_path, "checkpoint_epochs": 1, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        train(config(depth=3), x, y, device="cuda", **options)
    monkeypatch.undo()
    resumed = train(config(depth=3), x, y, device="cuda", resume=True, **options)
    for there, here in zip(resumed.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(there, here)
    assert resumed.final["objective"] == whole.final["objective"]
