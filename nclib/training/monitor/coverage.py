"""What of a network the theory does not cover, seen from its first batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from torch import Tensor, nn

from nclib.training.monitor.head import WatchedHead


def not_covered(features: Tensor, head: WatchedHead, norm: str | None) -> Iterator[tuple[str, str]]:
    """Give each thing that the theory does not cover: what was seen, and what it means.

    Parameters
    ----------
    features : (B, d) tensor
        Of the first batch.
    head : WatchedHead
    norm : str or None
        Name of the normalisation that they come out of; see `FeatureSource`.
    """
    if norm is not None:
        yield (
            f"the features come out of {norm}",
            (
                "the theory does not cover a normalisation before the head, which fixes how long "
                "the features are; in the theory they are free"
            ),
        )
    if head.weights_and_bias()[1] is not None and bool((features >= 0).all()):
        yield (
            "the features are never negative",
            "the theory does not cover a ReLU before a head with a bias: its features have mean 0",
        )
    if head.is_frozen:
        yield (
            "the head is frozen",
            (
                "the theory does not cover it, as its head learns; and since lambda_H can't be "
                "measured from a frozen head, there is no NC2 and NC3 unless it is given"
            ),
        )


class Hook(Protocol):
    """What was hung into a model and can be taken off."""

    def remove(self) -> None:
        """Take it off."""


class FeatureSource:
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
        """Return which normalisation has put out the features, if one has, and look no longer."""
        found = None
        if self._last is not None and _share_memory(features, self._last[1]):
            found = self._last[0]
        self.remove()
        return found

    def remove(self) -> None:
        """Look no longer."""
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._last = [], None


def _children(module: nn.Module) -> list[nn.Module]:
    return list(module.children())


def _share_memory(one: Any, other: Tensor) -> bool:
    """Whether two tensors are the same, or views of the same."""
    return (
        isinstance(one, Tensor)
        and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
    )
