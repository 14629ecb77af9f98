"""Networks whose last part is a deep linear head: what the theory speaks of, on top of a backbone.

A network is a backbone, which makes the features, and a head, which makes the logits from them.
Samples are rows here, as torch has it: features (B, d) and logits (B, K) are the transposes of the
paper's H and Z.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nclib.training.config import BackboneKind, HeadKind

AFFINE_MAPS = 6
"""The paper's "6-layer MLP"."""

_CHANNELS = (32, 64, 128)


class MLP(nn.Module):
    """The paper's backbone: six affine maps, ReLU after the first five, none after the sixth.

    The output of the sixth map is the feature, so features have both signs. After a last ReLU they
    could not: then their mean can't be 0 unless all are, and the optimum with a bias has mean 0.

    Parameters
    ----------
    inputs : int
        Numbers per sample. Images are flattened.
    width : int
        Outputs of each of the first five maps.
    feature_dim : int
        Outputs of the sixth map: the dimension d of the features.
    last_relu : bool, default False
        Whether a ReLU follows the sixth map too, to see what goes wrong.
    generator : torch.Generator
        Draws the weights.

    Notes
    -----
    Weights are uniform between -1/sqrt(fan_in) and 1/sqrt(fan_in), as `torch.nn.Linear` draws
    them by default; biases are 0. From larger weights the penalties take several times as long to
    bring the head to its optimum.

    Examples
    --------
    >>> import torch
    >>> backbone = MLP(64, 32, 16, generator=torch.Generator().manual_seed(0))
    >>> backbone(torch.ones(5, 8, 8)).shape
    torch.Size([5, 16])
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        feature_dim: int,
        *,
        last_relu: bool = False,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        sizes = [inputs, *[width] * (AFFINE_MAPS - 1), feature_dim]
        self.last_relu = last_relu
        self.weights = nn.ParameterList(
            _uniform((fan_out, fan_in), fan_in, generator) for fan_in, fan_out in pairwise(sizes)
        )
        self.biases = nn.ParameterList(torch.zeros(size) for size in sizes[1:])
        self.gradient_memory: list[Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Compute the features, (B, feature_dim)."""
        h = x.flatten(1)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if self.gradient_memory is None:
                h = functional.linear(h, weight, bias)
            else:
                h = _Affine.apply(h, weight, bias, self.gradient_memory[i])
            if i < AFFINE_MAPS - 1 or self.last_relu:
                h = functional.relu(h)
        return h


class ConvNet(nn.Module):
    """A small convolutional backbone: three 3 x 3 convolutions with ReLU, and one affine map.

    32, 64 and 128 channels; the second and the third convolution halve the image. No normalisation
    and no ReLU after the affine map, so features have both signs.

    Parameters
    ----------
    image_shape : tuple of int
        ``(C, H, W)``, or ``(H, W)`` for one channel.
    feature_dim : int
        Dimension d of the features.
    last_relu : bool, default False
        Whether a ReLU follows the affine map too.
    generator : torch.Generator
        Draws the weights, as for `MLP`.

    Examples
    --------
    >>> import torch
    >>> backbone = ConvNet((8, 8), 16, generator=torch.Generator().manual_seed(0))
    >>> backbone(torch.ones(5, 8, 8)).shape
    torch.Size([5, 16])
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        feature_dim: int,
        *,
        last_relu: bool = False,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        if len(image_shape) not in (2, 3):
            raise ValueError(
                "a convolutional backbone needs images of shape (H, W) or (C, H, W); "
                f"got samples of shape {tuple(image_shape)}"
            )
        self.image_shape = (1, *image_shape)[-3:]
        self.last_relu = last_relu
        channels = (self.image_shape[0], *_CHANNELS)
        self.kernels = nn.ParameterList(
            _uniform((fan_out, fan_in, 3, 3), 9 * fan_in, generator)
            for fan_in, fan_out in pairwise(channels)
        )
        self.biases = nn.ParameterList(torch.zeros(size) for size in channels[1:])
        # Two halvings, rounded up.
        flat = _CHANNELS[-1] * math.prod(-(-size // 4) for size in self.image_shape[1:])
        self.weight = _uniform((feature_dim, flat), flat, generator)
        self.bias = nn.Parameter(torch.zeros(feature_dim))

    def forward(self, x: Tensor) -> Tensor:
        """Compute the features, (B, feature_dim)."""
        h = x.reshape(-1, *self.image_shape)
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            h = functional.relu(functional.conv2d(h, kernel, bias, stride=min(i, 1) + 1, padding=1))
        h = functional.linear(h.flatten(1), self.weight, self.bias)
        return functional.relu(h) if self.last_relu else h


class Head(nn.Module):
    """The head: L linear maps and one bias on the output.

    Its logits are ``z = W_L ... W_1 h + b``.

    Parameters
    ----------
    sizes : sequence of L + 1 int
        ``(d_0, ..., d_{L-1}, K)``: the feature dimension, inner widths, number of classes.
    bias : bool, default True
        Whether there is a bias b. It begins at 0.
    kind : {"linear", "relu"}, default "linear"
        "relu" puts a ReLU between neighbouring maps: outside the theory, to see how far it goes.
    scale : float, default 1
        Factor on the initial weights.
    generator : torch.Generator
        Draws the weights, as for `MLP`.

    Attributes
    ----------
    weights : torch.nn.ParameterList
        ``[W_1, ..., W_L]``; W_j has shape (d_j, d_{j-1}).
    b : torch.nn.Parameter or None
        The bias, shape (K,).

    Notes
    -----
    A linear head is multiplied from the top, ``(W_L W_{L-1}) W_{L-2} ...``: K rows all the way,
    where the samples of a batch would be many more. The gradients are those of the same function.

    Examples
    --------
    >>> import torch
    >>> head = Head([16, 32, 3], generator=torch.Generator().manual_seed(0))
    >>> head.depth, head(torch.ones(5, 16)).shape, head.product().shape
    (2, torch.Size([5, 3]), torch.Size([3, 16]))
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        bias: bool = True,
        kind: HeadKind = "linear",
        scale: float = 1.0,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.kind: HeadKind = kind
        self.weights = nn.ParameterList(
            _uniform((fan_out, fan_in), fan_in, generator, scale)
            for fan_in, fan_out in pairwise(sizes)
        )
        self.b = nn.Parameter(torch.zeros(sizes[-1])) if bias else None
        self.gradient_memory: list[Tensor] | None = None

    @property
    def depth(self) -> int:
        """Number L of linear maps."""
        return len(self.weights)

    def product(self) -> Tensor:
        """Multiply ``P = W_L ... W_1``, (K, d_0)."""
        if self.kind != "linear":
            raise ValueError("a head with ReLUs is not one matrix")
        if self.depth == 1:
            only: Tensor = self.weights[0]
            return only
        result: Tensor = _Product.apply(self.gradient_memory, *self.weights)
        return result

    def forward(self, h: Tensor) -> Tensor:
        """Compute the logits, (B, K)."""
        if self.kind == "linear":
            return functional.linear(h, self.product(), self.b)
        for weight in self.weights[:-1]:
            h = functional.relu(functional.linear(h, weight))
        return functional.linear(h, self.weights[-1], self.b)


class Network(nn.Module):
    """A backbone and a head.

    Parameters
    ----------
    backbone : torch.nn.Module
        Makes features (B, d_0) from samples.
    head : Head
        Makes logits (B, K) from features.
    """

    def __init__(self, backbone: nn.Module, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute logits (B, K) and features (B, d_0)."""
        features = self.backbone(x)
        return self.head(features), features

    @contextmanager
    def reused_gradients(self) -> Iterator[None]:
        """Keep the memory of the large gradients from step to step, for a while.

        To get fresh memory from the system costs as much as to fill it. Meanwhile a gradient must
        not be kept past the next backward pass, which overwrites it.
        """
        parts = [part for part in (self.backbone, self.head) if isinstance(part, MLP | Head)]
        for part in parts:
            part.gradient_memory = [torch.empty_like(weight) for weight in part.weights]
        try:
            yield
        finally:
            for part in parts:
                part.gradient_memory = None


def make_network(
    sample_shape: Sequence[int],
    classes: int,
    *,
    backbone: BackboneKind = "mlp",
    head: HeadKind = "linear",
    depth: int,
    bias: bool = True,
    width: int = 2048,
    feature_dim: int | None = None,
    last_relu: bool = False,
    head_scale: float = 1.0,
    seed: int = 0,
) -> Network:
    """Make a network, the same for the same seed on every device and in every precision.

    Parameters
    ----------
    sample_shape : sequence of int
        Shape of one sample: ``(d,)``, ``(H, W)`` or ``(C, H, W)``.
    classes : int
        Number K of classes.
    backbone : {"mlp", "conv"}, default "mlp"
        `MLP` or `ConvNet`.
    head : {"linear", "relu"}, default "linear"
        The `kind` of `Head`.
    depth : int
        Number L of linear maps in the head.
    bias : bool, default True
        Whether the head has a bias.
    width : int, default 2048
        Width of the backbone (`MLP` only) and of the inner layers of the head.
    feature_dim : int, optional
        Dimension of the features. Default: `width`.
    last_relu : bool, default False
        Whether the backbone ends with a ReLU.
    head_scale : float, default 1
        The `scale` of `Head`.
    seed : int, default 0
        Draws the weights.

    Returns
    -------
    Network
        In float32, on the CPU.

    Examples
    --------
    >>> network = make_network((8, 8), 10, depth=3, width=32)
    >>> [tuple(W.shape) for W in network.head.weights]
    [(32, 32), (32, 32), (10, 32)]
    """
    if backbone not in get_args(BackboneKind):
        raise ValueError(f"backbone must be 'mlp' or 'conv'; got {backbone!r}")
    if head not in get_args(HeadKind):
        raise ValueError(f"head must be 'linear' or 'relu'; got {head!r}")
    generator = torch.Generator().manual_seed(seed)
    feature_dim = width if feature_dim is None else feature_dim
    body: nn.Module
    if backbone == "mlp":
        inputs = math.prod(sample_shape)
        body = MLP(inputs, width, feature_dim, last_relu=last_relu, generator=generator)
    else:
        body = ConvNet(sample_shape, feature_dim, last_relu=last_relu, generator=generator)
    sizes = [feature_dim, *[width] * (depth - 1), classes]
    return Network(body, Head(sizes, bias=bias, kind=head, scale=head_scale, generator=generator))


def _uniform(
    shape: tuple[int, ...], fan_in: int, generator: torch.Generator, scale: float = 1.0
) -> nn.Parameter:
    sides = 2 * torch.rand(shape, generator=generator) - 1
    return nn.Parameter(sides / math.sqrt(fan_in) * scale)


class _Affine(torch.autograd.Function):
    """x W' + b; the gradient of W goes into `memory`, which is used again in every step."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, memory: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.memory = memory
        return torch.addmm(bias, x, weight.T)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        d_weight = _matmul(grad.T, x, ctx.memory)
        return grad @ weight if ctx.needs_input_grad[0] else None, d_weight, grad.sum(0), None


class _Product(torch.autograd.Function):
    """W_L ... W_1, from the top, so that every product has K rows; backwards too."""

    @staticmethod
    def forward(ctx: Any, memory: list[Tensor] | None, *weights: Tensor) -> Tensor:
        tops = [weights[-1]]
        for weight in reversed(weights[:-1]):
            tops.append(tops[-1] @ weight)
        ctx.save_for_backward(*weights, *tops[:-1])
        ctx.memory = memory
        return tops[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        # P = top_j W_j (W_{j-1} ... W_1): the gradient of W_j is top_j' (dP (W_{j-1} ... W_1)').
        depth = (len(ctx.saved_tensors) + 1) // 2
        weights, tops = ctx.saved_tensors[:depth], ctx.saved_tensors[depth:]
        gradients: list[Tensor] = []
        for j, (weight, top) in enumerate(zip(weights[:-1], reversed(tops), strict=True)):
            gradients.append(_matmul(top.T, grad, ctx.memory[j] if ctx.memory else None))
            # Of the two ways to write it, the one whose large factor is read row by row.
            grad = (weight @ grad.T).T
        return None, *gradients, grad


def _matmul(a: Tensor, b: Tensor, memory: Tensor | None) -> Tensor:
    # Not the memory itself but an alias that nobody else holds: autograd takes it over as the
    # gradient, where it would copy what somebody might still use.
    return a @ b if memory is None else torch.mm(a, b, out=memory).detach()
