"""A monitor as a callback of Lightning."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any, Protocol


class Watcher(Protocol):
    """The steps of a `Monitor`."""

    def __enter__(self) -> object:
        """Attach it."""

    def __exit__(self, *error: object) -> None:
        """Take it off again."""

    def begin_epoch(self) -> None:
        """Begin an epoch."""

    def begin_batch(self, batch: Any) -> None:
        """Begin a batch."""

    def end_batch(self) -> None:
        """End it."""

    def end_epoch(self, epoch: int | None = None) -> dict[str, float]:
        """End the epoch; return its row."""


def lightning_callback(monitor: Watcher) -> Any:
    """Return a callback that goes the steps of a monitor; see `Monitor.lightning_callback`."""
    try:
        base: Any = import_module("lightning.pytorch").Callback
    except ImportError:
        raise ImportError("the callback needs Lightning: pip install lightning") from None

    class MonitorCallback(base):  # type: ignore[misc]
        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            monitor.__enter__()

        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            monitor.begin_epoch()

        def on_train_batch_start(
            self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
        ) -> None:
            monitor.begin_batch(batch)

        def on_train_batch_end(self, *_: Any) -> None:
            monitor.end_batch()

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            found = monitor.end_epoch(trainer.current_epoch + 1)
            row = {
                f"collapse/{name}": value for name, value in found.items() if math.isfinite(value)
            }
            for writer in trainer.loggers:
                writer.log_metrics(row, step=trainer.global_step)

        def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
            monitor.__exit__()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            monitor.__exit__()

    return MonitorCallback()
