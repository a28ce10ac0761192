"""The textbook's four optimizers, as torch classes and as rules, against their formulas in numpy."""

import copy

import numpy as np
import pytest
import torch

from optgui.core.optimizers import OptimizerConfig, quick_step, retune, wants_closure
from optgui.core.surface.objective import Objective
from optgui.core.surface.optimizers import DescentOptimizer
from optgui.core.surface.rules import make_rule
from optgui.core.textbook import TEXTBOOK

STEPS = 300
NAMES = [optimizer.__name__ for optimizer in TEXTBOOK]
CASES = [
    {"name": "Momentum", "lr": 0.05},
    {"name": "Momentum", "lr": 0.05, "momentum": 0.5},
    {"name": "TextbookAdagrad", "lr": 0.1},
    {"name": "TextbookAdagrad", "lr": 0.1, "eps": 0.5},
    {"name": "TextbookRMSprop", "lr": 1e-3},
    {"name": "TextbookRMSprop", "lr": 1e-3, "rho": 0.5, "eps": 0.1},
    {"name": "TextbookAdam", "lr": 0.01},
    {"name": "TextbookAdam", "lr": 0.01, "betas": (0.8, 0.95), "eps": 0.2},
]


def gradient(x):
    """Of 1.5 x² + x y + y², any number of points (n, 2)."""
    return x @ np.array([[3.0, 1.0], [1.0, 2.0]])


OBJECTIVE = Objective(lambda p: 1.5 * p[..., 0] ** 2 + p[..., 0] * p[..., 1] + p[..., 1] ** 2)


def written_out(name, lr, x, momentum=0.9, rho=0.9, betas=(0.9, 0.999), eps=1e-8, steps=STEPS):
    """The tutorial's formulas, as they stand there."""
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t in range(1, steps + 1):
        g = gradient(x)
        if name == "Momentum":
            m = momentum * m + (1 - momentum) * g
            x = x - lr * m
        elif name == "TextbookAdagrad":
            v = v + g**2
            x = x - lr * g / np.sqrt(v + eps)
        elif name == "TextbookRMSprop":
            v = rho * v + (1 - rho) * g**2
            x = x - lr * g / np.sqrt(v + eps)
        else:
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g**2
            x = x - lr * (m / (1 - betas[0] ** t)) / np.sqrt(v / (1 - betas[1] ** t) + eps)
    return x


@pytest.mark.parametrize("values", CASES, ids=str)
def test_the_torch_class_and_the_rule_follow_the_formula(values):
    start = np.array([[1.0, -2.0], [-0.3, 0.7], [0.0, 1.5]])
    expected = written_out(values["name"], x=start, **{k: v for k, v in values.items() if k != "name"})
    config = DescentOptimizer.parse(values)
    points = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = config.make([points], foreach=False)
    rule, x = make_rule(config, start), start
    for _ in range(STEPS):
        points.grad = torch.from_numpy(gradient(points.detach().numpy()))
        optimizer.step()
        x = rule.step(x, gradient(x), config.lr, OBJECTIVE)
    np.testing.assert_allclose(points.detach().numpy(), expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(x, expected, rtol=1e-10, atol=1e-13)


def test_momentum_as_an_average_is_torchs_with_the_same_dampening_but_for_the_first_step():
    point = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimizer = OptimizerConfig.parse({"name": "Momentum", "lr": 0.05}).make([point])
    point.grad = torch.tensor([3.0, 4.0], dtype=torch.float64)
    optimizer.step()
    np.testing.assert_allclose(point.detach().numpy(), [1 - 0.05 * 0.3, -2 - 0.05 * 0.4], rtol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_state_survives_a_retune_and_quick_step_is_step(name):
    config = OptimizerConfig.parse(name)
    changed = config.changed("lr", 0.02)
    points = [torch.nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2)]
    one, other = (config.make([point]) for point in points)
    for k in range(10):
        for point in points:
            point.grad = 2 * point.detach()
        one.step()
        assert quick_step(other)() is None
        if k == 4:
            before = {key: value.clone() for key, value in one.state[points[0]].items()}
            retune(one, changed)
            retune(other, changed)
            assert all(torch.equal(one.state[points[0]][key], value) for key, value in before.items())
    assert torch.equal(*points)
    assert before
    assert not wants_closure(one)


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_parameters_of_any_shape_and_passes_by_those_without_gradient(name):
    torch.manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(4, 3)), torch.nn.Parameter(torch.randn(4))]
    still = torch.nn.Parameter(torch.ones(2))
    optimizer = OptimizerConfig.parse({"name": name, "lr": 0.05}).make([*weights, still])

    def closure():
        optimizer.zero_grad()
        loss = sum((weight**2).sum() for weight in weights)
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(100)]
    assert losses[-1] < 0.5 * losses[0]
    assert torch.equal(still, torch.ones(2))
    assert still not in optimizer.state


@pytest.mark.parametrize("name", NAMES)
def test_saved_state_goes_on_bit_for_bit(name):
    config = OptimizerConfig.parse(name)
    one, other = (torch.nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2))
    first = config.make([one])
    for _ in range(5):
        one.grad = 2 * one.detach()
        first.step()
    other.data.copy_(one.detach())
    second = config.make([other])
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for _ in range(5):
        for point, optimizer in ((one, first), (other, second)):
            point.grad = 2 * point.detach()
            optimizer.step()
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("Momentum", {"lr": -1.0}, "lr: expected >= 0, got -1.0"),
        ("Momentum", {"momentum": 1.0}, "momentum: expected >= 0 and < 1, got 1.0"),
        ("TextbookAdam", {"betas": (0.9, 1.5)}, "betas: expected >= 0 and < 1, got"),
        ("TextbookAdagrad", {"eps": float("nan")}, "eps: expected >= 0, got nan"),
    ],
)
def test_a_value_out_of_range_is_refused_with_a_sentence(name, values, sentence):
    made = {optimizer.__name__: optimizer for optimizer in TEXTBOOK}[name]
    with pytest.raises(ValueError, match=sentence):
        made([torch.nn.Parameter(torch.zeros(2))], **values)
