"""Neural collapse of anybody's network while it trains, without changing the training."""

from nclib.training.monitor.monitor import Monitor

__all__ = ["Monitor"]
