"""Looking on at a layer through its class: what goes in and what comes out.

While it is watched a layer is of a subclass whose `forward` the compiler leaves alone and which
shows what it did. Hooks would do that, too, but `torch.compile` traces them, for seconds, and does
not notice those that come after the first call; the type of a module it always guards. Copies and
pickles are of the plain class, and replicas of `DataParallel` keep the one that shows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

Eye: TypeAlias = Callable[[nn.Module, Any, Any], None]
"""Is shown the layer (or its replica), its input and its output."""

_EYE = "_shown_to"


def watch(layer: nn.Module, eye: Eye) -> Callable[[], None]:
    """Show what a layer does, until the function that is returned is called."""
    kind = type(layer)
    # An attribute of the object's own: neither a parameter nor in a state dict.
    layer.__dict__[_EYE] = eye
    layer.__class__ = _showing(kind)  # type: ignore[arg-type]

    def stop() -> None:
        layer.__class__ = kind
        layer.__dict__.pop(_EYE, None)

    return stop


@cache
def _showing(kind: type[nn.Module]) -> type[nn.Module]:
    class Showing(kind):  # type: ignore[misc, valid-type]
        @torch.compiler.disable  # type: ignore[untyped-decorator]
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            outputs = kind.forward(self, *args, **kwargs)
            eye = self.__dict__.get(_EYE)
            if eye is not None:
                eye(self, args[0] if args else next(iter(kwargs.values()), None), outputs)
            return outputs

        def __reduce_ex__(self, protocol: Any) -> Any:
            state = {name: value for name, value in self.__dict__.items() if name != _EYE}
            return kind.__new__, (kind,), state

    Showing.__name__, Showing.__qualname__ = kind.__name__, kind.__qualname__
    Showing.__module__ = kind.__module__
    return Showing


def replica_of(layer: nn.Module, inputs: Tensor) -> int | None:
    """Return the device of a replica of `DataParallel`; None for the layer itself."""
    return inputs.device.index or 0 if getattr(layer, "_is_replica", False) else None
