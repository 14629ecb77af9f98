"""The head of a watched network: which of its layers, and what they are at the moment."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class WatchedHead:
    """Linear layers at the end of a network, W_1 first.

    Parameters
    ----------
    model : torch.nn.Module
    K : int
        Number of classes.
    named : str or sequence of str, optional
        Names of the layers in the model, or of one `Sequential` of them. Default: the model's last
        linear layer, and those right before it in the same `Sequential`.

    Raises
    ------
    ValueError
        If there are no such layers.
    """

    def __init__(self, model: nn.Module, K: int, named: str | Sequence[str] | None) -> None:
        layers = _head_layers(model, K, named)
        self.K = K
        self.names = tuple(layers)
        self.layers = list(layers.values())
        self.widths = tuple(layer.in_features for layer in self.layers)

    def weights_and_bias(self) -> tuple[list[Tensor], Tensor | None]:
        """Return W_1, ..., W_L and what the biases of all layers add to the logits."""
        Ws = [layer.weight.detach() for layer in self.layers]
        b: Tensor | None = None
        for layer, W in zip(self.layers, Ws, strict=True):
            b = None if b is None else W.double() @ b
            if layer.bias is not None:
                own = layer.bias.detach().double()
                b = own if b is None else b + own
        return Ws, b

    @property
    def is_finite(self) -> bool:
        """Whether no weight is NaN or infinite."""
        return all(bool(torch.isfinite(layer.weight.detach()).all()) for layer in self.layers)

    @property
    def is_frozen(self) -> bool:
        """Whether no layer learns."""
        return not any(layer.weight.requires_grad for layer in self.layers)


def _head_layers(
    model: nn.Module, K: int, named: str | Sequence[str] | None
) -> dict[str, nn.Linear]:
    """Find the head's linear layers, W_1 first, by name."""
    modules = dict(model.named_modules())
    linear = [name for name, module in modules.items() if isinstance(module, nn.Linear)]
    if named is None:
        if not linear:
            raise ValueError("model must have a torch.nn.Linear as its head; it has none")
        _require_one_head(linear, modules, K)
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
    layers: dict[str, nn.Linear] = {}
    for name in names:
        layer = modules[name]
        if not isinstance(layer, nn.Linear):
            raise ValueError(
                "head must be linear layers and nothing between them; "
                f"{name!r} is a {type(layer).__name__}"
            )
        layers[name] = layer
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


def _require_one_head(linear: Sequence[str], modules: dict[str, nn.Module], K: int) -> None:
    """Raise where several layers of the same shape may be the head."""
    layers = {name: one for name, one in modules.items() if isinstance(one, nn.Linear)}
    shapes = {name: (one.out_features, one.in_features) for name, one in layers.items()}
    last = shapes[linear[-1]]
    alike = [name for name in linear if shapes[name] == last]
    if last[0] == K != last[1] and len(alike) > 1:
        raise ValueError(
            f"head must be named, head={alike[0]!r} say: {_listed(alike)} are linear layers of one "
            f"shape with K = {K} outputs, and an auxiliary head may be among them"
        )


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


def _listed(names: Sequence[str]) -> str:
    some = ", ".join(map(repr, names[-8:]))
    return ("..., " if len(names) > 8 else "") + (some or "none")
