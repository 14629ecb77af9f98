"""What `measure` reads and computes: features block by block, a head, the metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nclib._checks import DROP_CLASS
from nclib._records import plain_values
from nclib.cli._heads import NAMES, STATE_DICTS, Head, bfloat16, head_of
from nclib.cli._validity import Residuals, observe
from nclib.data.readers import MAX_BYTES, NPY_MAGIC, decoded, read_npz, reason
from nclib.diagnosis.validity import Validity, judge
from nclib.metrics import Metrics, MetricsAccumulator
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import Minimizer, global_minimizer
from nclib.theory.problem import Problem

BLOCK = 2**21
"""Numbers that are read at a time: 16 MB in float64."""

_LABELS = "labels must be whole numbers from 0 to K - 1 (of others: numpy.unique, return_inverse)"

Array = NDArray[np.float64]


class Samples(Protocol):
    """Features that can be read twice, with their labels."""

    source: str
    labels: NDArray[Any]
    shape: tuple[int, int]
    head: Head

    def blocks(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield the rows, a block at a time."""


@dataclass
class Loaded:
    """Features in memory."""

    source: str
    features: NDArray[Any]
    labels: NDArray[Any]
    head: Head

    def __post_init__(self) -> None:
        self.shape = _validated_shape(self.source, self.features)

    def blocks(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield the rows, a block at a time."""
        for rows in _slices(self.shape):
            yield rows, _native(self.features[rows])


@dataclass
class Mapped:
    """Features in an .npy file that may be larger than memory."""

    path: Path
    labels: NDArray[Any]
    head: Head = (None, None)

    def __post_init__(self) -> None:
        self.source = f"{self.path}"
        self.shape = _validated_shape(f"{self.path}", open_npy(self.path))

    def blocks(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield the rows, a block at a time."""
        for rows in _slices(self.shape):
            # Mapped afresh each time, so that what has been read is given back.
            yield rows, _native(np.array(open_npy(self.path)[rows]))


def read_samples(features: Path, labels: Path | None) -> Samples:
    """Read what a file of features holds."""
    if features.is_dir():
        raise ValueError(f"{features}: a folder; expected an .npz or .npy file")
    if features.suffix.lower() == ".npy":
        assert labels is not None
        mapped = Mapped(features, _read_labels(labels))
        _require_one_label_each(mapped, f"{labels}")
        return mapped
    if features.suffix.lower() in STATE_DICTS:
        raise ValueError(
            f"{features}: a state dict holds layers and no features; give features and labels as "
            "an .npz file, as in nclib measure --help, and this file as --head"
        )
    arrays = read_npz(features, ["features", "labels"], NAMES)
    head = head_of(features, arrays)
    loaded = Loaded(
        f"{features}", arrays["features"], _validated_labels(arrays["labels"], f"{features}"), head
    )
    _require_one_label_each(loaded, f"{features}")
    return loaded


@dataclass(frozen=True, eq=False)
class Measurement:
    """The metrics of a network, and what they were measured against."""

    minimizer: Minimizer
    lambda_H_measured: bool
    d: int
    of_training: bool
    """Whether the features are those of the training; False where its counts were given apart."""
    corrected: Metrics
    as_printed: Metrics
    predicted: Array
    right_by_class: Array | None
    balanced: dict[str, float] | None
    """What the literature on balanced data reports, where it was asked for."""
    validity: Validity | None
    """Whether the theory speaks about the network; None without a head or of other data."""

    @property
    def may_predict(self) -> bool:
        """Whether what is predicted of the classes is shown."""
        return self.validity is None or self.validity.may_predict

    @classmethod
    def of(
        cls,
        samples: Samples,
        Ws: list[NDArray[Any]] | None,
        b: NDArray[Any] | None,
        lambda_W: Sequence[float],
        lambda_H: float | None,
        bias: bool,
        *,
        training: ClassCounts | None = None,
        balanced: bool,
        progress: bool,
    ) -> Measurement:
        """Measure: one pass for the class means, one for what varies around them.

        Where `training` is given the samples are others than the network was trained on, and
        those are its counts: lambda_H and the optimum are of the training.
        """
        n = every_class(samples.labels, samples.source)
        K = n.size
        if training is not None and training.K != K:
            raise ValueError(
                f"--counts must have K = {K} classes, as the labels of {samples.source}; got "
                f"{training.K}"
            )
        accumulator = MetricsAccumulator(K, Ws, b)
        with ExitStack() as stack:
            advance = _bar(stack, 2 * samples.shape[0], progress)
            for rows, block in samples.blocks():
                accumulator.update(block, samples.labels[rows])
                advance(len(block))
            given = lambda_H
            if lambda_H is None:
                lambda_H = accumulator.effective_lambda_H(
                    lambda_W[0], None if training is None else training.n
                )
                if not 0 < lambda_H < math.inf:
                    raise ValueError(
                        f"the effective lambda_H is {lambda_H}: the class means or W_1 are 0, so "
                        "there is nothing to measure it from; give --lambda-H"
                    )
            widths = None if Ws is None else tuple(int(W.shape[1]) for W in Ws)
            problem = Problem(
                ClassCounts(n) if training is None else training,
                len(lambda_W),
                bias=bias,
                lambda_W=tuple(lambda_W),
                lambda_H=lambda_H,
                widths=widths,
            )
            best = global_minimizer(problem)
            second = accumulator.second_pass()
            residuals = None if Ws is None or training is not None else Residuals(Ws, b)
            for rows, block in samples.blocks():
                second.update(block, samples.labels[rows])
                if residuals is not None:
                    residuals.update(block, samples.labels[rows])
                advance(len(block))
        corrected, printed = (
            second.compute(best, reading=reading, check_counts=training is None)
            for reading in ("corrected", "as_printed")
        )
        return cls(
            minimizer=best,
            lambda_H_measured=given is None,
            d=samples.shape[1],
            of_training=training is None,
            corrected=corrected,
            as_printed=printed,
            predicted=best.training_accuracy().per_class,
            right_by_class=second.accuracy_by_class,
            balanced=second.balanced(training_counts=problem.counts.n) if balanced else None,
            validity=(
                None if residuals is None else judge(observe(accumulator, second, residuals, best))
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; None stands for what is no finite number."""
        problem, best = self.minimizer.problem, self.minimizer
        readings = {}
        for metrics in (self.corrected, self.as_printed):
            values = {
                name: value
                for name, value in asdict(metrics).items()
                if name not in ("reading", "counts", "nc1")
            }
            nc1 = metrics.nc1
            assert nc1 is not None
            values["nc1"] = nc1.value
            values["nc1_rank"], values["nc1_expected_rank"] = nc1.rank, nc1.expected_rank
            readings[metrics.reading] = values
        content = {
            "K": problem.K,
            "N": problem.N,
            "d": self.d,
            "depth": problem.depth,
            "bias": problem.bias,
            "lambda_W": problem.lambda_W,
            "lambda_H": problem.lambda_H,
            "lambda_H_measured": self.lambda_H_measured,
            "counts": problem.counts.n,
            "modes_alive": best.alive,
            "kappa": best.kappa,
            "z": best.z,
            "predicted_right_by_class": self.predicted if self.may_predict else None,
            "right_by_class": self.right_by_class,
            "metrics": readings,
        }
        if not self.of_training:
            content["measured_counts"] = self.corrected.counts
        if self.validity is not None:
            content["validity"] = self.validity.answer
            content["reasons"] = [f"{one.what}: {one.means}" for one in self.validity.reasons]
        if self.balanced is not None:
            content["balanced"] = self.balanced
        plain: dict[str, Any] = plain_values(content)
        return plain


def _bar(stack: ExitStack, total: int, progress: bool) -> Any:
    """Show a progress bar on the standard error, if that is wanted and a terminal."""
    import sys

    from rich.console import Console
    from rich.progress import Progress

    if not progress or not sys.stderr.isatty():
        return lambda _: None
    bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
    task = bar.add_task("reading", total=total)
    return lambda rows: bar.advance(task, rows)


def open_npy(path: Path) -> NDArray[Any]:
    """Map an .npy file: nothing of its data is read yet."""
    with path.open("rb") as file:
        start = file.read(len(NPY_MAGIC))
    if start != NPY_MAGIC:
        what = "an empty file" if not start else "not an .npy file"
        pickle = ", but perhaps a pickle, which nclib never loads" if start[:1] == b"\x80" else ""
        raise ValueError(f"{path}: {what}{pickle}; expected what numpy.save writes")
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header can stop numpy with almost any exception
        if "Python objects" in str(error) or "allow_pickle" in str(error):
            raise ValueError(
                f"{path} holds Python objects, so it is stored as a pickle, which nclib never "
                "loads; save plain numbers"
            ) from None
        raise ValueError(f"{path} is cut short or damaged ({reason(error)})") from None
    return mapped


def _read_labels(path: Path) -> NDArray[Any]:
    if path.is_dir():
        raise ValueError(f"{path}: a folder; expected an .npy file or text with a label a line")
    if path.suffix.lower() == ".npy":
        return _validated_labels(np.array(open_npy(path)), f"{path}")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: larger than {MAX_BYTES // 2**20} MiB; save labels as .npy")
    words = decoded(path.read_bytes(), f"{path}").split()
    for line, word in enumerate(words, start=1):
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise ValueError(f"{path}: label {line} is {word[:40]!r}; {_LABELS}")
    return _validated_labels(np.array(words, dtype=np.int64), f"{path}")


def _validated_labels(labels: NDArray[Any], source: str) -> NDArray[Any]:
    if labels.ndim != 1 or not labels.size:
        raise ValueError(
            f"{source}: labels must be one for each sample; got an array of shape {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{source}: {_LABELS}; got values of type {labels.dtype}")
    if labels.min() < 0 or labels.max() > 2**31:
        position = int(np.argmax((labels < 0) | (labels > 2**31)))
        raise ValueError(f"{source}: {_LABELS}; label {position} is {labels[position]}")
    return _native(labels)


def every_class(labels: NDArray[Any], source: str) -> NDArray[np.int64]:
    """Count the samples of each class, all of which must occur."""
    present = np.unique(labels)
    K = int(present[-1]) + 1
    if present.size < K:
        missing = int(np.flatnonzero(present != np.arange(present.size))[0])
        raise ValueError(
            f"{source}: labels must hold every class from 0 to K - 1 = {K - 1}; no samples of "
            f"class {missing}; {DROP_CLASS}"
        )
    if K < 2:
        raise ValueError(f"{source}: labels must hold at least two classes; all are 0")
    return np.bincount(labels, minlength=K)


def _validated_shape(source: str, features: NDArray[Any]) -> tuple[int, int]:
    if features.ndim != 2 or not features.size:
        raise ValueError(
            f"{source}: features must have shape (N, d), one row per sample; got {features.shape}"
        )
    if features.dtype.kind != "f":
        raise ValueError(
            f"{source}: features must be real floats; got {features.dtype}{bfloat16(features)}"
        )
    if features.dtype.itemsize > 8:
        raise ValueError(f"{source}: features must be float64 or less; got {features.dtype}")
    return features.shape[0], features.shape[1]


def _require_one_label_each(samples: Samples, source: str) -> None:
    if samples.labels.size != samples.shape[0]:
        if samples.labels.size == samples.shape[1]:
            raise ValueError(
                f"{source}: features of shape {samples.shape} are transposed for "
                f"{samples.labels.size:,} labels; expected one row for each sample: save features.T"
            )
        raise ValueError(
            f"{source}: {samples.labels.size:,} labels for {samples.shape[0]:,} rows of features"
        )


def _slices(shape: tuple[int, int]) -> Iterator[slice]:
    step = max(1, BLOCK // shape[1])
    for start in range(0, shape[0], step):
        yield slice(start, start + step)


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """Bring an array to this machine's order of bytes."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)
