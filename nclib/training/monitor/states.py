"""A network in eval mode and all random states, put back as they were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn


class RandomStates:
    """The random states that reading batches and running a model may move."""

    def __init__(self, batches: Any) -> None:
        # A loader draws from its own generator or a sampler's, which may have a sampler in turn.
        owners, nearest = [batches], [batches]
        for _ in range(3):
            nearest = [
                getattr(owner, name, None)
                for owner in nearest
                for name in ("sampler", "batch_sampler")
            ]
            owners += nearest
        generators = [getattr(owner, "generator", None) for owner in owners]
        self._generators = [
            (generator, generator.get_state())
            for generator in generators
            if isinstance(generator, torch.Generator)
        ]
        self._python = random.getstate()
        # The old global state: data sets that augment may draw from it.
        self._numpy = np.random.get_state()  # noqa: NPY002
        self._torch = torch.get_rng_state()
        self._cuda = []
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            self._cuda = torch.cuda.get_rng_state_all()
        self._mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None

    def restore(self) -> None:
        """Put them back as they were."""
        for generator, state in self._generators:
            generator.set_state(state)
        random.setstate(self._python)
        np.random.set_state(self._numpy)  # noqa: NPY002
        torch.set_rng_state(self._torch)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)
        if self._mps is not None:
            torch.mps.set_rng_state(self._mps)


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode for a while, each of its modules back into its own after."""
    training = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, was in training:
            module.training = was
