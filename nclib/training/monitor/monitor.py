"""Neural collapse of anybody's network while it trains, without changing the training."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self, TypeAlias, TypeVar

import torch
from torch import nn

from nclib._checks import as_whole
from nclib.diagnosis import LossPrediction, Prediction, predict
from nclib.diagnosis.validity import Observation, Validity, judge
from nclib.metrics import MeasuredModes, Metrics
from nclib.theory.counts import CountsLike, as_counts
from nclib.theory.losses.objects import CrossEntropy, SquaredError
from nclib.theory.optimum import Optimum
from nclib.theory.problem import Problem
from nclib.training.monitor.attachment import Attachment
from nclib.training.monitor.collector import Classes, Collector, second_entry
from nclib.training.monitor.head import WatchedHead
from nclib.training.monitor.history_file import HistoryFile, as_frame
from nclib.training.monitor.lightning import lightning_callback
from nclib.training.monitor.measurer import Measured, Measurer
from nclib.training.monitor.script import Script, ScriptReader
from nclib.training.monitor.states import RandomStates, eval_mode

Batch = TypeVar("Batch")

AnyBatch: TypeAlias = Any
"""Whatever a loop or a loader has for a batch: only `labels` and the model look into it."""

Row = dict[str, float]
"""A row of the history: names and numbers."""


class Monitor:
    """Metrics of neural collapse of any network while it trains.

    It looks on at the head; the training stays the same bit for bit. Each epoch that is watched,
    and each evaluation, adds a row to the `history`::

        with Monitor(model, counts, optimizer=optimizer, csv="collapse.csv") as monitor:
            for epoch in range(epochs):
                for x, y in monitor.watch(loader):
                    ...  # the training step, as before
            monitor.evaluate(loader)
        print(monitor.report())

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    counts : ClassCounts
        Samples per class of the training set, or anything that `Problem` takes for them. Of a file,
        take `read_counts`.
    optimizer : torch.optim.Optimizer, optional
        That of the training. The weight decay is read from it and the loss from the gradient that
        arrives at the logits, and both together give lambda_W: see `script`.
    lambda_W : float or (L,) sequence of float, optional
        Penalty on the head's layers, as for `Problem`, instead of what the optimiser says. What a
        script's `weight_decay` stands for depends on its loss: see `translate_penalties`.
    lambda_H : float, optional
        Penalty on the features. Default: measured anew for every row, from the balance of the head
        and the features; see `effective_lambda_H`.
    loss : SquaredError or CrossEntropy, optional
        Instead of what the gradient says.
    head : str or sequence of str, optional
        Names of the head's linear layers in the model, W_1 first, or of one `torch.nn.Sequential`
        of them. Default: the model's last `torch.nn.Linear`, and those right before it in the same
        `Sequential`. The features are the input of the first.
    labels : callable, optional
        Takes a batch and returns its (B,) integer labels. Default: ``batch[1]``.
    log : callable, optional
        Called with every row, a flat dict of names and numbers: a writer of TensorBoard takes each
        by ``add_scalar(name, value, row["epoch"])``.
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
          `training`, whether of as many samples as the training has, and so of them;
        - `accuracy`, and ``accuracy NAME`` for each class (named by its number where `counts` has
          no names);
        - `nc1`, `nc2_w`, `nc2_h`, `nc2_wh`, `nc3`, `nc4`: see `Metrics`;
        - `lambda_H`, given or measured;
        - `alive`, modes of the network that are alive (see `MeasuredModes`), and `alive_optimum`,
          those of the optimum for it, which NC2 and NC3 compare with;
        - `spread`, `rest`, `gap`, `within` and `mean`: what tells whether the theory speaks about
          the network, see `Observation`.

        NaN where there is no number: `nc1` and `nc4` of a watched epoch always.
    metrics : Metrics or None
        All metrics of the last row, with those of single modes.
    minimizer : Minimizer, LossMinimizer or None
        What they were compared with: the optimum for the script's loss. None where it is not known
        or lambda_H could not be measured.

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
    distributed training the rows are of the samples of this process. A batch may go through the
    head in parts; of what comes after the whole, as in gradient checkpointing, nothing is taken.
    With `torch.compile` the head is left out of the compiled graph (``fullgraph`` must be off).

    A warning, once, says where the theory does not cover what is watched. The loss is seen only
    while it trains. Before that, and where nothing is learned, the squared error is taken.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> _ = torch.manual_seed(0)
    >>> x, y = torch.randn(60, 8), torch.arange(60) % 3
    >>> model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3))
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-3)
    >>> with Monitor(model, [20, 20, 20], optimizer=optimizer) as monitor:
    ...     for x_batch, y_batch in monitor.watch(list(zip(x.split(12), y.split(12)))):
    ...         optimizer.zero_grad()
    ...         nn.functional.cross_entropy(model(x_batch), y_batch).backward()
    ...         optimizer.step()
    ...     row = monitor.evaluate([(x, y)])
    >>> monitor
    Monitor(head=('2',), K=3, rows=2)
    >>> row["epoch"], row["evaluated"], row["nc1"] > 0
    (1, True, True)
    >>> print(monitor.script)
    Cross-entropy; weight decay 0.001 on all layers and the bias: lambda_W = 0.001.
    >>> monitor.validity.answer
    'not yet at rest'
    """

    def __init__(
        self,
        model: nn.Module,
        counts: CountsLike,
        *,
        optimizer: torch.optim.Optimizer | None = None,
        lambda_W: float | Sequence[float] | None = None,
        lambda_H: float | None = None,
        loss: SquaredError | CrossEntropy | None = None,
        head: str | Sequence[str] | None = None,
        labels: Callable[[AnyBatch], Classes] | None = None,
        log: Callable[[Row], object] | None = None,
        csv: str | os.PathLike[str] | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module; got {model!r:.60}")
        self.model = model
        self.counts = as_counts(counts)
        self._head = WatchedHead(model, self.counts.K, head)
        self.head = self._head.names
        self._lambda_H = lambda_H
        if optimizer is None and lambda_W is None:
            raise TypeError("give optimizer, or lambda_W: the penalty on the head's layers")
        # Refuses wrong penalties now, not after an epoch.
        model_of_head = Problem(
            self.counts,
            len(self.head),
            lambda_W=1.0 if lambda_W is None else lambda_W,  # type: ignore[arg-type]
            lambda_H=1.0 if lambda_H is None else lambda_H,
        )
        self._reader = ScriptReader(
            self._head,
            self.counts,
            model,
            optimizer,
            None if lambda_W is None else model_of_head.lambda_W,
            loss,
        )
        self._measurer = Measurer(self.counts, self._head, self._reader, lambda_H)
        self._labels = labels or second_entry
        self._log = log
        self._csv = None if csv is None else HistoryFile(csv)
        self.history: list[Row] = []
        self.metrics: Metrics | None = None
        self.minimizer: Optimum | None = None
        self._epoch = 0
        self._attachment = Attachment(model, self._head, self._reader)
        self._found = Measured()

    def __enter__(self) -> Self:
        self._attachment.attach()
        return self

    def __exit__(self, *error: object) -> None:
        self._attachment.detach()

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
        now = self._attachment.begin()
        self._reader.begin_epoch()
        try:
            for batch in batches:
                now.labels = self._labels(batch)
                yield batch
                self._attachment.batch_is_done(now)
            self._end(now, self._epoch + 1)
        finally:
            if self._attachment.now is now:
                self._attachment.now = None

    def begin_epoch(self) -> None:
        """Begin to watch an epoch, for a loop that is no ``for`` over its batches.

        `watch` does the four steps by itself. An epoch that was begun and not ended is forgotten.

        Raises
        ------
        RuntimeError
            If the monitor is not attached.

        Examples
        --------
        A trainer that calls back::

            monitor.begin_epoch()
            while (batch := stream.next()) is not None:
                monitor.begin_batch(batch)
                ...  # the training step
                monitor.end_batch()
            monitor.end_epoch()
        """
        self._attachment.begin()
        self._reader.begin_epoch()

    def begin_batch(self, batch: AnyBatch) -> None:
        """Note the labels of a batch that is about to go through the model.

        Parameters
        ----------
        batch : object
            As `labels` takes it.

        Raises
        ------
        RuntimeError
            If no epoch has begun.
        TypeError
            If the labels are not found.
        """
        self._attachment.begun().labels = self._labels(batch)

    def end_batch(self) -> None:
        """Note that a batch is done: what goes through the model now is not of it.

        Raises
        ------
        RuntimeError
            If no epoch has begun, or if the first batch has not gone through the head.
        """
        self._attachment.batch_is_done(self._attachment.begun())

    def end_epoch(self, epoch: int | None = None) -> Row:
        """End the epoch, and add a row to the history.

        Parameters
        ----------
        epoch : int, optional
            Which epoch it was, from 1, where a training began before this monitor did. Default: one
            more than the last.

        Returns
        -------
        dict
            The row.

        Raises
        ------
        RuntimeError
            If no epoch has begun, or if no batch has gone through the head.
        TypeError, ValueError
            As for `watch`; also if `epoch` is no whole number from 1.
        """
        now = self._attachment.begun()
        number = self._epoch + 1 if epoch is None else as_whole("epoch", epoch, 1)
        row = self._end(now, number)
        self._attachment.now = None
        return row

    def evaluate(
        self, batches: Iterable[Batch], forward: Callable[[Batch], object] | None = None
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
        watched = self._attachment.now
        now = self._attachment.begin()
        states = RandomStates(batches)
        try:
            with eval_mode(self.model), torch.no_grad():
                self._pass_over(now, batches, forward)
                states.restore()
                if self._measurer.reason_for_none(now) is None:
                    now.accumulator.set_head(*self._head.weights_and_bias())
                    now.second = now.accumulator.second_pass()
                    self._pass_over(now, batches, forward)
            return self._row(now, evaluated=True)
        finally:
            states.restore()
            self._attachment.now = watched

    def _forward(self, batch: AnyBatch) -> object:
        return self.model(batch[0].to(self._head.layers[0].weight.device))

    def _pass_over(
        self, now: Collector, batches: Iterable[Batch], forward: Callable[[Batch], object]
    ) -> None:
        for batch in batches:
            now.labels = self._labels(batch)
            forward(batch)
            self._attachment.batch_is_done(now)
        now.add_up()

    def _end(self, now: Collector, epoch: int) -> Row:
        """Finish a watched epoch."""
        self._attachment.batch_is_done(now)
        now.add_up()
        self._epoch = epoch
        self._attachment.end_epoch(now, self.counts)
        return self._row(now, evaluated=False)

    def _row(self, now: Collector, evaluated: bool) -> Row:
        reason = self._measurer.reason_for_none(now)
        if reason is not None:
            self._attachment.say(f"no metrics in epoch {self._epoch}", reason)
            found = Measured(lambda_H=self._lambda_H)
        else:
            self._measurer.non_negative = self._attachment.non_negative
            found = self._measurer.measure(now, evaluated=evaluated)
        of_training = now.accumulator.counts.sum() == self.counts.N or not evaluated
        # What is seen of other data says nothing of where the training has come to.
        self._found = found if of_training else self._found
        self.metrics, self.minimizer = found.metrics, found.minimizer
        row: Row = {"epoch": self._epoch, "evaluated": evaluated, "training": bool(of_training)}
        row |= self._measurer.cells(now, found)
        self.history.append(row)
        if self._csv is not None:
            self._csv.write(self.history)
        if self._log is not None:
            self._log(row)
        return row

    @property
    def script(self) -> Script | None:
        """What the script was found to minimise."""
        return self._reader.script()

    @property
    def modes(self) -> MeasuredModes | None:
        """The modes of the network, from the last row."""
        return self._found.modes

    @property
    def observation(self) -> Observation | None:
        """What tells whether the theory speaks about the network, from the last row."""
        if self.metrics is None:
            return None
        return self._measurer.observation(self._found, self._attachment.outside)

    @property
    def validity(self) -> Validity | None:
        """Whether the theory speaks about the network, from the last row."""
        seen = self.observation
        return None if seen is None else judge(seen)

    @property
    def prediction(self) -> Prediction | LossPrediction | None:
        """What the optimum means for the classes; None where the theory does not speak."""
        validity = self.validity
        if validity is None or not validity.may_predict or self.minimizer is None:
            return None
        return predict(self.minimizer.problem)  # type: ignore[arg-type]

    def report(self) -> str:
        """Say in sentences what was found, whether the theory applies and, if so, what follows.

        Returns
        -------
        str
            What was measured always; predicted margins and advice only where they hold.
        """
        if not self.history:
            return "Nothing has been watched yet."
        lines = self._measurer.measured_words(self.history[-1], self._found)
        validity, prediction = self.validity, self.prediction
        lines += [] if validity is None else validity.words()
        lines += [] if prediction is None else [*prediction.verdict(), *prediction.advice()]
        return "\n".join(lines)

    def to_frame(self) -> Any:
        """Return the history as a table, a row for each entry.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed, which the extra `pandas` brings.
        """
        return as_frame(self.history)

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
            If Lightning is not installed, which the extra `lightning` brings.

        Examples
        --------
        ::

            monitor = Monitor(module.network, counts, lambda_W=5e-4)
            trainer = Trainer(max_epochs=100, callbacks=[monitor.lightning_callback()])
        """
        return lightning_callback(self)

    def __repr__(self) -> str:
        return f"Monitor(head={self.head}, K={self.counts.K}, rows={len(self.history)})"
