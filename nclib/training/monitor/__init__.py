"""Neural collapse of anybody's network while it trains, without changing the training."""

from nclib.training.monitor.monitor import Monitor
from nclib.training.monitor.script import Script

__all__ = ["Monitor", "Script"]
