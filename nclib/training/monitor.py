"""Neural collapse of anybody's network while it trains, without changing the training."""

from __future__ import annotations

import csv as csv_format
import io
import logging
import math
import os
import random
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from nclib._files import write_whole
from nclib.data.readers import read_counts
from nclib.metrics import COLLAPSE, Accuracy, Metrics, MetricsAccumulator, SecondPass
from nclib.metrics.arrays import whole_labels
from nclib.theory.minimizer import Minimizer, global_minimizer
from nclib.theory.problem import Problem

Batch = TypeVar("Batch")
Row = dict[str, Any]

logger = logging.getLogger(__name__)

_METRICS = tuple(metric.key for metric in COLLAPSE)

_BUFFER = 2**18
"""Numbers of features that are gathered before they are added up: small batches cost less so."""

_OTHER_PROPORTIONS = 0.05
"""Share of an epoch's samples that may be of other classes than the counts say."""


class Monitor:
    """Metrics of neural collapse of any network while it trains.

    Hooks on the head look on; the training stays the same bit for bit. Each epoch that is watched,
    and each evaluation, adds a row to the `history`::

        with Monitor(model, counts, lambda_W=5e-4, csv="collapse.csv") as monitor:
            for epoch in range(epochs):
                for x, y in monitor.watch(loader):
                    ...  # the training step, as before
            monitor.evaluate(loader)

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    counts : ClassCounts
        Samples per class of the training set, or anything that `read_counts` takes.
    lambda_W : float or (L,) sequence of float
        Penalty on the head's layers, as for `Problem`. What a training script's `weight_decay`
        stands for depends on its loss: see `translate_penalties`.
    lambda_H : float, optional
        Penalty on the features. Default: measured anew for every row, from the balance of the head
        and the features; see `effective_lambda_H`.
    head : str or sequence of str, optional
        Names of the head's linear layers in the model, W_1 first, or of one `torch.nn.Sequential`
        of them. Default: the model's last `torch.nn.Linear`, and those right before it in the same
        `Sequential`. The features are the input of the first.
    labels : callable, optional
        Takes a batch and returns its (B,) integer labels. Default: ``batch[1]``.
    log : callable, optional
        Called with every row, a flat dict of names and numbers.
    csv : path-like, optional
        File that has the whole history after every row.

    Attributes
    ----------
    counts : ClassCounts
    head : tuple of str
        Names of the head's layers, W_1 first.
    history : list of dict
        A row for each watched epoch and each evaluation, with

        - `epoch`, how many epochs have been watched; `evaluated`, whether it is of `evaluate`;
        - `accuracy`, and ``accuracy NAME`` for each class (named by its number where `counts` has
          no names);
        - `nc1`, `nc2_w`, `nc2_h`, `nc2_wh`, `nc3`, `nc4`: see `Metrics`;
        - `lambda_H`, given or measured;
        - `alive`: how many modes survive at the minimiser for it, which NC2 and NC3 compare with.

        NaN where there is no number: `nc1` and `nc4` of a watched epoch always.
    metrics : Metrics or None
        All metrics of the last row, with those of single modes.
    minimizer : Minimizer or None
        What they were compared with. None where lambda_H could not be measured.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or the head is not found; the message says how to name
        it.

    Notes
    -----
    A watched epoch costs almost nothing, because the features are those that the training itself
    computes, once each. So its rows speak of the network as it was when each batch came by, with
    dropout, augmentation and the batch statistics of the training, and of the head as it is at the
    end of the epoch; and they have neither NC1 nor NC4, for which the class means must be known
    before the features come. `evaluate` has all of it, of one fixed network in eval mode, and
    costs two forward passes over the data.

    Memory is of the size of the class means and of a K x K matrix, however many samples come. In
    distributed training the rows are of the samples of this process. A batch must be one call of
    the head: of further calls, as in gradient checkpointing, nothing is taken.

    A warning, once, says where the theory does not cover what is watched: a normalisation right
    before the head, features that are never negative, a frozen head, other class proportions than
    the counts. NC2 and NC3 then measure the distance from a geometry that this network can't be
    expected to reach.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> _ = torch.manual_seed(0)
    >>> x, y = torch.randn(60, 8), torch.arange(60) % 3
    >>> model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3))
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-3)
    >>> with Monitor(model, [20, 20, 20], lambda_W=1e-3) as monitor:
    ...     for x_batch, y_batch in monitor.watch(list(zip(x.split(12), y.split(12)))):
    ...         optimizer.zero_grad()
    ...         nn.functional.cross_entropy(model(x_batch), y_batch).backward()
    ...         optimizer.step()
    ...     row = monitor.evaluate([(x, y)])
    >>> monitor
    Monitor(head=('2',), K=3, rows=2)
    >>> row["epoch"], row["evaluated"], row["nc1"] > 0
    (1, True, True)

    TensorBoard's writer as the `log`::

        writer = torch.utils.tensorboard.SummaryWriter()

        def log(row):
            for name, value in row.items():
                writer.add_scalar(f"collapse/{name}", value, row["epoch"])
    """

    def __init__(
        self,
        model: nn.Module,
        counts: Any,
        *,
        lambda_W: float | Sequence[float],
        lambda_H: float | None = None,
        head: str | Sequence[str] | None = None,
        labels: Callable[[Any], Any] | None = None,
        log: Callable[[Row], object] | None = None,
        csv: str | os.PathLike[str] | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module; got {model!r:.60}")
        self.model = model
        self.counts = read_counts(counts)
        layers = _head_layers(model, self.counts.K, head)
        self.head = tuple(layers)
        self._layers = list(layers.values())
        self._lambda_W: Any = lambda_W
        self._lambda_H = lambda_H
        # Refuses wrong penalties now, not after an epoch.
        self._lambda_W1 = self._problem(1.0 if lambda_H is None else lambda_H, True).lambda_W[0]
        self._labels = labels or _second_entry
        self._log = log
        self._csv = None if csv is None else _new_file(csv)
        self.history: list[Row] = []
        self.metrics: Metrics | None = None
        self.minimizer: Minimizer | None = None
        self._epoch = 0
        self._now: _Collector | None = None
        self._hooks: list[Any] = []
        self._source: _Source | None = None
        self._said: set[str] = set()

    # ------------------------------------------------------------ attached to the model

    def __enter__(self) -> Self:
        if self._hooks:
            raise RuntimeError("this monitor is attached already")
        self._source = _Source(self.model)
        self._hooks = [
            self._source,
            self._layers[0].register_forward_pre_hook(self._on_features, with_kwargs=True),
            self._layers[-1].register_forward_hook(self._on_logits),
        ]
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._now = [], None

    def _on_features(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        now = self._now
        if now is None or now.labels is None:
            return
        features = args[0] if args else kwargs["input"]
        now.take(features)
        if self._source is not None:
            self._look_at(features, self._source.of(features))
            self._source = None

    def _on_logits(self, _: nn.Module, args: tuple[Any, ...], logits: Tensor) -> None:
        if self._now is not None:
            self._now.take_logits(logits)

    # ------------------------------------------------------------ what it watches

    def watch(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Pass on the batches of an epoch, and add a row to the history at its end.

        Parameters
        ----------
        batches : iterable
            A data loader, say. Each batch must go through the model once.

        Yields
        ------
        batch
            As it came. An epoch that is left early adds no row.

        Raises
        ------
        RuntimeError
            If the monitor is not attached (use it in a ``with`` statement), or if the first batch
            has not gone through the head.
        TypeError, ValueError
            If the features are not (B, d), or the labels not (B,) whole numbers below K.
        """
        now = self._begin()
        try:
            for batch in batches:
                now.labels = self._labels(batch)
                yield batch
                self._require_taken(now)
            self._end(now)
        finally:
            if self._now is now:
                self._now = None

    def evaluate(
        self, batches: Iterable[Any], forward: Callable[[Any], object] | None = None
    ) -> Row:
        """Measure everything, NC1 and NC4 too, of the network as it is.

        Runs the model over the batches twice, in eval mode and without gradients. Afterwards the
        modes of its modules and the random states of Python, numpy, torch and the loader are as
        they were.

        Parameters
        ----------
        batches : iterable
            A data loader or a list: it must give the same samples twice. (Workers that persist
            have random states of their own: for random augmentation take a loader without.)
        forward : callable, optional
            Takes a batch and runs the model on it. Default: ``model(batch[0])``, on its device.

        Returns
        -------
        dict
            The row that it has added to the history.

        Raises
        ------
        RuntimeError
            As for `watch`.
        TypeError, ValueError
            As for `watch`; also if `batches` can be read only once, or the two passes differ.
        """
        if isinstance(batches, Iterator):
            raise TypeError(
                "batches must be readable twice, as a DataLoader or a list is; got an iterator, "
                f"{type(batches).__name__}"
            )
        forward = forward or self._forward
        watched = self._now
        now = self._begin()
        states = _RandomStates(batches)
        try:
            with _eval_mode(self.model), torch.no_grad():
                self._pass_over(now, batches, forward)
                states.restore()
                if self._reason_for_none(now) is None:
                    now.accumulator.set_head(*self._head_now())
                    now.second = now.accumulator.second_pass()
                    self._pass_over(now, batches, forward)
            return self._row(now, evaluated=True)
        finally:
            states.restore()
            self._now = watched

    def _forward(self, batch: Any) -> object:
        return self.model(batch[0].to(self._layers[0].weight.device))

    def _pass_over(
        self, now: _Collector, batches: Iterable[Any], forward: Callable[[Any], object]
    ) -> None:
        for batch in batches:
            now.labels = self._labels(batch)
            forward(batch)
            self._require_taken(now)
        now.add_up()

    def _begin(self) -> _Collector:
        if not self._hooks:
            raise RuntimeError("the monitor is not attached: use it in a `with` statement")
        self._now = _Collector(self.counts.K)
        return self._now

    def _require_taken(self, now: _Collector) -> None:
        """Once a batch is done: its labels wait no longer, and the first must have been seen."""
        now.labels = None
        if not now.batches:
            raise RuntimeError(
                f"the first batch has not gone through the head's first layer, {self.head[0]!r}: "
                "is the model called, and are these layers its head?"
            )

    def _end(self, now: _Collector) -> None:
        """Finish a watched epoch."""
        self._require_taken(now)
        now.add_up()
        self._epoch += 1
        share = now.accuracy.seen / max(now.accuracy.seen.sum(), 1)
        if np.abs(share - self.counts.n / self.counts.N).sum() / 2 > _OTHER_PROPORTIONS:
            self._say(
                "the epoch shows the classes in other proportions than counts",
                "if it resamples them, give the counts of an epoch",
            )
        self._row(now, evaluated=False)

    # ------------------------------------------------------------ what it finds

    def _head_now(self) -> tuple[list[Tensor], Tensor | None]:
        """Return W_1, ..., W_L and what the biases of all layers add to the logits."""
        Ws = [layer.weight.detach() for layer in self._layers]
        b: Tensor | None = None
        for layer, W in zip(self._layers, Ws, strict=True):
            b = None if b is None else W.double() @ b
            if layer.bias is not None:
                own = layer.bias.detach().double()
                b = own if b is None else b + own
        return Ws, b

    def _problem(self, lambda_H: float, bias: bool) -> Problem:
        return Problem(
            self.counts,
            len(self._layers),
            bias,
            lambda_W=self._lambda_W,
            lambda_H=lambda_H,
            widths=tuple(layer.in_features for layer in self._layers),
        )

    def _reason_for_none(self, now: _Collector) -> str | None:
        """Say why there can be no metrics, if so."""
        if now.not_finite:
            return "features are NaN or infinite"
        if not all(bool(torch.isfinite(W).all()) for W in self._head_now()[0]):
            return "the head's weights are NaN or infinite"
        if not now.accumulator.counts.all():
            k = int(np.argmin(now.accumulator.counts))
            return f"no sample of class {self._class_names()[k]} was seen"
        return None

    def _row(self, now: _Collector, evaluated: bool) -> Row:
        self.metrics = self.minimizer = None
        lambda_H = self._lambda_H
        reason = self._reason_for_none(now)
        if reason is not None:
            self._say(f"no metrics in epoch {self._epoch}", reason)
        else:
            Ws, b = self._head_now()
            if not evaluated:
                now.accumulator.set_head(Ws, b)
            if lambda_H is None and not self._is_frozen():
                lambda_H = now.accumulator.effective_lambda_H(self._lambda_W1)
            if lambda_H is not None and 0 < lambda_H < math.inf:
                self.minimizer = global_minimizer(self._problem(lambda_H, b is not None))
            measured = now.second or now.accumulator
            self.metrics = measured.compute(self.minimizer, check_counts=False)
        row: Row = {
            "epoch": self._epoch,
            "evaluated": evaluated,
            "accuracy": now.accuracy.overall,
            **{name: _number(self.metrics, name) for name in _METRICS},
            "lambda_H": math.nan if lambda_H is None else lambda_H,
            "alive": math.nan if self.minimizer is None else self.minimizer.alive,
        }
        for name, share in zip(self._class_names(), now.accuracy.by_class.tolist(), strict=True):
            row[f"accuracy {name}"] = share
        self.history.append(row)
        if self._csv is not None:
            self._write(self._csv)
        if self._log is not None:
            self._log(row)
        return row

    def _class_names(self) -> Sequence[str]:
        return self.counts.names or [str(k) for k in range(self.counts.K)]

    def _write(self, path: Path) -> None:
        table = io.StringIO(newline="")
        writer = csv_format.DictWriter(table, list(self.history[0]))
        writer.writeheader()
        for row in self.history:
            writer.writerow({k: "" if v != v else v for k, v in row.items()})
        try:
            write_whole(path, table.getvalue().encode())
        except OSError as error:
            # The rows are in the history, and the next one may find room.
            logger.warning("%s was not written (%s); training goes on", path, error)

    def to_frame(self) -> Any:
        """Return the history as a table, a row for each entry.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed: no extra of this package brings it.
        """
        try:
            pandas = import_module("pandas")
        except ImportError:
            raise ImportError(
                "to_frame needs pandas: pip install pandas; `history` has the same rows without it"
            ) from None
        return pandas.DataFrame(self.history)

    def _is_frozen(self) -> bool:
        return not any(layer.weight.requires_grad for layer in self._layers)

    def _look_at(self, features: Tensor, norm: str | None) -> None:
        """Say what the theory does not cover, from the first batch."""
        if norm is not None:
            self._say(
                f"the features come out of {norm}",
                "the theory does not cover a normalisation before the head, which fixes how long "
                "the features are; in the theory they are free",
            )
        if self._head_now()[1] is not None and bool((features >= 0).all()):
            self._say(
                "the features are never negative",
                "the theory does not cover a ReLU before a head with a bias: its features have "
                "mean 0",
            )
        if self._is_frozen():
            self._say(
                "the head is frozen",
                "the theory does not cover it, as its head learns; and since lambda_H can't be "
                "measured from a frozen head, there is no NC2 and NC3 unless it is given",
            )

    def _say(self, where: str, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            warnings.warn(f"{where}: {what}", stacklevel=2)

    def lightning_callback(self) -> Any:
        """Make a callback for Lightning's `Trainer`, which watches every training epoch.

        It attaches the monitor when the fit begins, and gives each row to the trainer's loggers
        too. A batch's labels are found as in a plain loop.

        Returns
        -------
        lightning.pytorch.Callback

        Raises
        ------
        ImportError
            If Lightning is not installed.

        Examples
        --------
        ::

            monitor = Monitor(module.network, counts, lambda_W=5e-4)
            trainer = Trainer(max_epochs=100, callbacks=[monitor.lightning_callback()])
        """
        return _lightning_callback(self)

    def __repr__(self) -> str:
        return f"Monitor(head={self.head}, K={self.counts.K}, rows={len(self.history)})"


class _Collector:
    """What has been seen of an epoch."""

    def __init__(self, K: int) -> None:
        self.accumulator = MetricsAccumulator(K)
        self.second: SecondPass | None = None
        self.accuracy = Accuracy(K)
        self.batches = 0
        self.not_finite = False
        self.labels: Any = None
        """Of the batch that is on its way to the head."""
        self._in_head = False
        self._features: list[Tensor] = []
        self._of: list[Any] = []
        self._answers: list[Tensor] = []
        self._size = 0

    def take(self, features: Tensor) -> None:
        labels, self.labels = self.labels, None
        if len(labels) != len(features):
            raise ValueError(
                f"labels must have one entry for each of the {len(features)} rows of features; "
                f"got {len(labels)}"
            )
        # A copy: the model may go on and write over its own.
        self._features.append(features.detach().clone())
        self._of.append(labels)
        self._size += features.numel()
        self.batches += 1
        self._in_head = True

    def take_logits(self, logits: Tensor) -> None:
        if not self._in_head:
            return
        self._in_head = False
        self._answers.append(logits.detach().argmax(dim=-1))
        # The first at once: what is wrong shows then.
        if self.batches == 1 or self._size >= _BUFFER:
            self.add_up()

    def add_up(self) -> None:
        """Bring what has been gathered into the sums."""
        if not self._features:
            return
        features, answers = torch.cat(self._features), torch.cat(self._answers)
        classes = np.concatenate([whole_labels(labels) for labels in self._of])
        self._features, self._of, self._answers, self._size = [], [], [], 0
        try:
            (self.second or self.accumulator).update(features, classes)
        except ValueError:
            if bool(torch.isfinite(features).all()):
                raise
            self.not_finite = True
        self.accuracy.update(answers.cpu().numpy(), classes)


class _Source:
    """Sees whether the features are what a normalisation has put out.

    It holds one tensor, the last such output, until the first features have come.
    """

    def __init__(self, model: nn.Module) -> None:
        self._last: tuple[str, Tensor] | None = None
        self._hooks = []
        for name, module in model.named_modules():
            kind = type(module).__name__
            if isinstance(module, nn.Dropout) or ("norm" in kind.lower() and not _children(module)):
                self._hooks.append(module.register_forward_hook(self._noting(f"{name} ({kind})")))

    def _noting(self, what: str) -> Callable[..., None]:
        def note(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if not isinstance(output, Tensor):
                return
            if not isinstance(module, nn.Dropout):
                self._last = what, output
            elif self._last is not None and args and _share_memory(args[0], self._last[1]):
                self._last = self._last[0], output

        return note

    def of(self, features: Tensor) -> str | None:
        found = None
        if self._last is not None and _share_memory(features, self._last[1]):
            found = self._last[0]
        self.remove()
        return found

    def remove(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._last = [], None


class _RandomStates:
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
def _eval_mode(model: nn.Module) -> Iterator[None]:
    training = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, was in training:
            module.training = was


def _head_layers(
    model: nn.Module, K: int, named: str | Sequence[str] | None
) -> dict[str, nn.Linear]:
    """Find the head's linear layers, W_1 first, by name."""
    modules = dict(model.named_modules())
    linear = [name for name, module in modules.items() if isinstance(module, nn.Linear)]
    if named is None:
        if not linear:
            raise ValueError("model must have a torch.nn.Linear as its head; it has none")
        names = _chain_up_to(linear[-1], modules)
    else:
        names = [named] if isinstance(named, str) else list(named)
        for name in names:
            if name not in modules:
                raise ValueError(
                    f"head must name layers of the model; {name!r} is none of them: its linear "
                    f"layers are {_listed(linear)}"
                )
        if len(names) == 1 and isinstance(modules[names[0]], nn.Sequential):
            names = [f"{names[0]}.{child}" for child, _ in modules[names[0]].named_children()]
            names = [name for name in names if not _is_transparent(modules[name])]
        for name in names:
            if not isinstance(modules[name], nn.Linear):
                raise ValueError(
                    "head must be linear layers and nothing between them; "
                    f"{name!r} is a {type(modules[name]).__name__}"
                )
    layers: dict[str, Any] = {name: modules[name] for name in names}
    outputs = [layer.out_features for layer in layers.values()]
    inputs = [layer.in_features for layer in layers.values()]
    if not layers or outputs[-1] != K or outputs[:-1] != inputs[1:]:
        ends = zip(layers, inputs, outputs, strict=True)
        shapes = ", ".join(f"{name!r} ({i} to {o})" for name, i, o in ends)
        raise ValueError(
            f"head must be linear layers, each of which takes what the one before gives, and the "
            f"last must have K = {K} outputs; got {shapes or 'none'}. Name them, W_1 first; the "
            f"model's linear layers are {_listed(linear)}"
        )
    return layers


def _chain_up_to(last: str, modules: dict[str, nn.Module]) -> list[str]:
    """Return a linear layer and those right before it in the same Sequential."""
    parent, _, _ = last.rpartition(".")
    chain = [last]
    if not isinstance(modules[parent], nn.Sequential):
        return chain
    prefix = f"{parent}." if parent else ""
    siblings = [f"{prefix}{child}" for child, _ in modules[parent].named_children()]
    for name in reversed(siblings[: siblings.index(last)]):
        if isinstance(modules[name], nn.Linear):
            chain.insert(0, name)
        elif not _is_transparent(modules[name]):
            break
    return chain


def _is_transparent(module: nn.Module) -> bool:
    """Whether a module lets the layers around it be one linear map, once trained."""
    return isinstance(module, nn.Dropout | nn.Identity)


def _children(module: nn.Module) -> list[nn.Module]:
    return list(module.children())


def _share_memory(one: Any, other: Tensor) -> bool:
    """Whether two tensors are the same, or views of the same."""
    return (
        isinstance(one, Tensor)
        and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
    )


def _listed(names: Sequence[str]) -> str:
    some = ", ".join(map(repr, names[-8:]))
    return ("..., " if len(names) > 8 else "") + (some or "none")


def _new_file(path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    if target.exists():
        raise FileExistsError(f"csv must be a new file; {target} is there already")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"csv must be in a folder that is there; got {target}")
    return target


def _second_entry(batch: Any) -> Any:
    try:
        return batch[1]
    except (TypeError, KeyError, IndexError):
        raise TypeError(
            "a batch must be (inputs, labels); for others give labels=, a function that takes a "
            f"batch and returns its labels; got {type(batch).__name__}"
        ) from None


def _number(metrics: Metrics | None, name: str) -> float:
    value = getattr(metrics, name, None)
    return math.nan if value is None else float(value)


def _lightning_callback(monitor: Monitor) -> Any:
    try:
        base: Any = import_module("lightning.pytorch").Callback
    except ImportError:
        raise ImportError("the callback needs Lightning: pip install lightning") from None

    class MonitorCallback(base):  # type: ignore[misc]
        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            monitor.__enter__()

        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            self.now = monitor._begin()

        def on_train_batch_start(
            self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
        ) -> None:
            self.now.labels = monitor._labels(batch)

        def on_train_batch_end(self, *_: Any) -> None:
            monitor._require_taken(self.now)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            monitor._epoch = trainer.current_epoch
            monitor._end(self.now)
            row = {
                f"collapse/{name}": value
                for name, value in monitor.history[-1].items()
                if math.isfinite(value)
            }
            for writer in trainer.loggers:
                writer.log_metrics(row, step=trainer.global_step)

        def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
            monitor.__exit__()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            monitor.__exit__()

    return MonitorCallback()
