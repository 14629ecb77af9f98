"""The paper's network as it is described, and a head that is cheap but exact."""

import math

import pytest
import torch
from torch import nn

from nclib.training.networks import AFFINE_MAPS, MLP, ConvNet, Head, make_network


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def ordinary(head, h):
    """The head layer by layer, by autograd's own rules."""
    for weight in head.weights:
        h = h @ weight.T
    return h if head.b is None else h + head.b


def gradients(network, x):
    """Gradients of a loss without symmetry."""
    network.zero_grad()
    logits, features = network(x)
    ((logits**3).sum() + (features**2).sum()).backward()
    return {name: parameter.grad for name, parameter in network.named_parameters()}


def test_paper_mlp_has_six_affine_maps():
    network = make_network((3, 32, 32), 10, depth=6)
    backbone = network.backbone
    assert len(backbone.weights) == len(backbone.biases) == AFFINE_MAPS == 6
    assert [tuple(W.shape) for W in backbone.weights] == [(2048, 3072)] + [(2048, 2048)] * 5
    assert [tuple(W.shape) for W in network.head.weights] == [(2048, 2048)] * 5 + [(10, 2048)]
    assert network.head.b.shape == (10,)


def test_features_have_both_signs_and_hidden_layers_do_not():
    backbone = MLP(20, 64, 32, generator=generator())
    x = torch.randn(200, 20, generator=generator(1))
    features = backbone(x)
    assert 0.2 < (features < 0).double().mean() < 0.8
    h = x
    for i, (W, b) in enumerate(zip(backbone.weights, backbone.biases, strict=True)):
        h = h @ W.T + b
        if i < 5:
            h = h.clamp(min=0)
    torch.testing.assert_close(features, h)


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_a_last_relu_takes_the_negative_half(kind):
    network = make_network((8, 8), 4, backbone=kind, depth=1, width=32, last_relu=True)
    features = network(torch.randn(50, 8, 8, generator=generator()))[1]
    assert (features >= 0).all()
    assert (features == 0).any()


@pytest.mark.parametrize("shape", [(8, 8), (16, 8), (1, 5, 7), (3, 32, 32)])
def test_conv_takes_images_flat_or_not(shape):
    backbone = ConvNet(shape, 24, generator=generator())
    x = torch.randn(30, *shape, generator=generator(1))
    features = backbone(x)
    assert features.shape == (30, 24)
    assert (features < 0).any()
    assert (features > 0).any()
    assert torch.equal(backbone(x.flatten(1)), features)


def test_conv_refuses_vectors():
    with pytest.raises(ValueError, match=r"\(H, W\) or \(C, H, W\).*\(64,\)"):
        make_network((64,), 10, backbone="conv", depth=1, width=8)


def test_initial_scale_reaches_every_layer():
    """Uniform to 1 / sqrt(fan_in) on both sides, which has variance 1 / (3 fan_in); biases 0."""
    network = make_network((30, 30), 10, depth=3, width=512, feature_dim=256)
    for W in [*network.backbone.weights, *network.head.weights]:
        end = 1 / math.sqrt(W.shape[1])
        assert 0.99 * end < W.max().item() <= end
        assert -end <= W.min().item() < -0.99 * end
        assert W.var().item() == pytest.approx(1 / (3 * W.shape[1]), rel=0.05)
        assert abs(W.mean().item()) < 4 * end / math.sqrt(3 * W.numel())
    assert all((b == 0).all() for b in [*network.backbone.biases, network.head.b])


@pytest.mark.parametrize("shape", [(8, 8), (3, 32, 32)])
def test_initial_scale_reaches_every_kernel(shape):
    """As of every layer: a kernel of 3 x 3 has 9 inputs for each channel that it reads."""
    backbone = ConvNet(shape, 64, generator=generator())
    channels = 1 if len(shape) == 2 else shape[0]
    flat = 128 * (shape[-1] // 4) * (shape[-2] // 4)
    fans = {9 * channels: (32, channels, 3, 3), 9 * 32: (64, 32, 3, 3), 9 * 64: (128, 64, 3, 3)}
    weights = [*backbone.kernels, backbone.weight]
    assert [tuple(W.shape) for W in weights] == [*fans.values(), (64, flat)]
    torchs = [
        nn.Conv2d(channels, 32, 3),
        nn.Conv2d(32, 64, 3),
        nn.Conv2d(64, 128, 3),
        nn.Linear(flat, 64),
    ]
    for W, fan_in, torch_layer in zip(weights, [*fans, flat], torchs, strict=True):
        end = 1 / math.sqrt(fan_in)
        # Five standard deviations of the variance of so many uniform draws.
        off = 5 * math.sqrt(4 / 5 / W.numel())
        assert W.var().item() == pytest.approx(1 / (3 * fan_in), rel=off)
        assert (1 - 20 / W.numel()) * end < W.abs().max().item() <= end
        assert abs(W.mean().item()) < 5 * end / math.sqrt(3 * W.numel())
        assert W.var().item() == pytest.approx(torch_layer.weight.var().item(), rel=2 * off)
    assert all((b == 0).all() for b in [*backbone.biases, backbone.bias])


def test_the_head_alone_begins_larger():
    once = make_network((8, 8), 5, depth=3, width=16)
    thrice = make_network((8, 8), 5, depth=3, width=16, head_scale=3.0)
    for one, other in zip(once.head.weights, thrice.head.weights, strict=True):
        torch.testing.assert_close(other, 3 * one)
    torch.testing.assert_close(thrice.head.product(), 27 * once.head.product())
    for one, other in zip(once.backbone.parameters(), thrice.backbone.parameters(), strict=True):
        assert torch.equal(one, other)


def test_weights_depend_on_the_seed_alone():
    def flat(seed):
        network = make_network((8, 8), 5, depth=2, width=16, seed=seed)
        return torch.cat([p.flatten() for p in network.parameters()])

    torch.manual_seed(5)
    first = flat(0)
    state = torch.get_rng_state()
    assert torch.equal(first, flat(0))
    assert not torch.equal(first, flat(1))
    assert torch.equal(state, torch.get_rng_state())  # nobody else's random numbers move


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3, 6])
@pytest.mark.parametrize("K", [2, 5, 40])
def test_head_equals_layer_by_layer(K, depth, bias, record_error):
    head = Head([7, *range(8, 7 + depth), K], bias=bias, generator=generator()).double()
    assert head.depth == depth
    h = torch.randn(9, 7, generator=generator(1), dtype=torch.float64, requires_grad=True)
    error = 0.0
    results = []
    for forward in (head, lambda h: ordinary(head, h)):
        logits = forward(h)
        head.zero_grad()
        h.grad = None
        (logits**3).sum().backward()
        results.append([logits, h.grad, *(p.grad for p in head.parameters())])
    for a, b in zip(*results, strict=True):
        error = max(error, ((a - b).norm() / b.norm()).item())
    assert record_error("head, K rows first, against layer by layer", error, 1e-13)


@pytest.mark.parametrize("depth", [1, 3])
def test_kept_gradient_memory_changes_no_bit(depth):
    network = make_network((6, 5), 4, depth=depth, width=24)
    x = torch.randn(11, 6, 5, generator=generator())
    fresh = gradients(network, x)
    with network.reused_gradients():
        gradients(network, 2 * x)
        reused = gradients(network, x)
        places = [W.grad.data_ptr() for W in network.backbone.weights]
        # taken over, not copied
        assert places == [memory.data_ptr() for memory in network.backbone.gradient_memory]
        again = gradients(network, 3 * x)
        assert [W.grad.data_ptr() for W in network.backbone.weights] == places
        assert again["backbone.weights.0"].data_ptr() == reused["backbone.weights.0"].data_ptr()
        reused = gradients(network, x)
    assert network.backbone.gradient_memory is network.head.gradient_memory is None
    assert fresh.keys() == reused.keys()
    for name in fresh:
        assert torch.equal(fresh[name], reused[name]), name


def test_gradients_add_up_where_they_are_not_cleared():
    """Autograd's own rule, without the kept memory."""
    network = make_network((5,), 3, depth=2, width=8).double()
    x = torch.randn(6, 5, generator=generator(), dtype=torch.float64)
    once = {name: grad.clone() for name, grad in gradients(network, x).items()}
    logits, features = network(x)
    ((logits**3).sum() + (features**2).sum()).backward()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.grad, 2 * once[name])


def test_head_with_relus_is_no_matrix():
    head = Head([6, 9, 9, 4], kind="relu", generator=generator())
    h = torch.randn(5, 6, generator=generator(1))
    W_1, W_2, W_3 = head.weights
    expected = ((h @ W_1.T).clamp(min=0) @ W_2.T).clamp(min=0) @ W_3.T + head.b
    torch.testing.assert_close(head(h), expected)
    with pytest.raises(ValueError, match="not one matrix"):
        head.product()


@pytest.mark.parametrize("name", ["backbone", "head"])
def test_unknown_kinds_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be 'mlp' or 'conv'|{name} must be 'linear'"):
        make_network((4,), 2, depth=1, width=4, **{name: "transformer"})
