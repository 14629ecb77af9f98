"""An epoch of steps on a CUDA device, launched as one graph.

A step of the paper's network is about a hundred small kernels. Launched one by one from Python
they take several times as long as they run; recorded once and replayed as a graph they do not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nclib.training.config import TrainingConfig
from nclib.training.numerics import matrix_products

_RECORDING = threading.Lock()
"""Of the threads of a process only one may record at a time."""


class EpochGraph:
    """The steps of an epoch, recorded once, then replayed with other rows and other rates.

    Parameters
    ----------
    config : TrainingConfig
        The last batch of an epoch may be smaller than its `batch_size`.
    samples : int
        How many there are.
    batch_loss : callable
        Takes rows of samples and the factor on the penalties, both tensors; returns the loss.
    optimizer : torch.optim.Adam
        Fused and capturable. Each of its groups has the `decay` of its parameters, and says by
        `penalty` whether that is multiplied by the factor.
    dtype : torch.dtype
        Of the rates and the loss.
    device : torch.device
        A CUDA device. On a CPU nothing is recorded and every step is taken as it is: that is what
        tests look at where there is no CUDA.
    """

    def __init__(
        self,
        config: TrainingConfig,
        samples: int,
        batch_loss: Callable[[Tensor, Tensor], Tensor],
        optimizer: torch.optim.Adam,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._config, self._samples, self._device = config, samples, device
        self._batch_loss, self._optimizer = batch_loss, optimizer
        self._order = torch.arange(samples, device=device)
        self._batches = torch.split(self._order, config.batch_size)
        self._rates = torch.zeros(2, len(self._batches), dtype=dtype, device=device)
        self._loss = torch.zeros((), dtype=dtype, device=device)
        self._graph: torch.cuda.CUDAGraph | None = None
        if device.type == "cuda":
            with matrix_products(config.dtype, device), _RECORDING:
                self._record()

    def run(self, order: Tensor, epoch: int) -> float:
        """Take all steps of an epoch; return the mean loss.

        Parameters
        ----------
        order : (samples,) tensor of int
            Rows in the order of this epoch.
        epoch : int
            How many epochs are done.
        """
        config, batches = self._config, len(self._batches)
        steps = config.epochs * batches
        done = [(epoch * batches + i) / steps for i in range(batches)]
        rates = [(config.learning_rate_at(d), config.lambda_factor_at(d)) for d in done]
        self._rates.copy_(torch.tensor(rates, dtype=self._rates.dtype).T)
        self._order.copy_(order)
        if self._graph is not None:
            self._graph.replay()
        else:
            with matrix_products(config.dtype, self._device):
                self._steps()
        return float(self._loss)

    def _steps(self) -> None:
        self._loss.zero_()
        groups = self._optimizer.param_groups
        for i, rows in enumerate(self._batches):
            learning_rate, factor = self._rates[:, i]
            self._optimizer.zero_grad()
            loss = self._batch_loss(rows, factor)
            torch.autograd.backward(loss)
            for group in groups:
                group["lr"] = learning_rate
                group["weight_decay"] = 0.0 if group["penalty"] else group["decay"]
                if group["penalty"]:
                    # Adam's own decay is a number, which a graph would keep for ever.
                    for parameter in group["params"]:
                        parameter.grad.addcmul_(parameter.detach(), group["decay"] * factor)
            self._optimizer.step()
            self._loss += loss.detach() * (len(rows) / self._samples)
        for group in groups:  # a checkpoint holds numbers
            group["lr"] = 0.0

    def _state(self) -> Sequence[Tensor]:
        """All tensors that a step changes."""
        optimizer = self._optimizer
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        return [*parameters, *(t for state in optimizer.state.values() for t in state.values())]

    @torch.no_grad()
    def _restore(self, before: Sequence[Tensor]) -> None:
        """Put back what was there; Adam makes its state in the first step, from zeros."""
        now = self._state()
        for tensor, old in zip(now, before, strict=False):
            tensor.copy_(old)
        for tensor in now[len(before) :]:
            tensor.zero_()

    def _record(self) -> None:
        before = [tensor.detach().clone() for tensor in self._state()]
        # Libraries set themselves up in the first calls, which cannot be recorded.
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._steps()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            self._steps()
        self._restore(before)
        self._graph = graph
