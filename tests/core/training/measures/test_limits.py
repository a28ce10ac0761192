"""A quadratic just below the limit is descended, one just above it is left."""

import numpy as np
import pytest
import torch

from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig
from optgui.core.training.measures.limits import stability_limit
from optgui.core.training.measures.preconditioner import preconditioner

PLAIN = [
    {"name": "SGD"},
    {"name": "SGD", "weight_decay": 0.7},
    {"name": "SGD", "momentum": 0.9},
    {"name": "SGD", "momentum": 0.9, "weight_decay": 0.5},
    {"name": "SGD", "momentum": 0.8, "dampening": 0.3},
    {"name": "SGD", "momentum": 0.9, "nesterov": True},
    {"name": "Momentum", "momentum": 0.9},
]
ADAPTIVE = [
    {"name": "Adam"},
    {"name": "Adam", "betas": (0.8, 0.99), "weight_decay": 0.4},
    {"name": "Adam", "amsgrad": True},
    {"name": "AdamW", "weight_decay": 0.5},
    {"name": "AdamW", "weight_decay": 0.0},
    {"name": "RMSprop"},
    {"name": "RMSprop", "momentum": 0.9, "weight_decay": 0.2},
    {"name": "RMSprop", "centered": True},
    {"name": "Adamax"},
    {"name": "Adagrad", "lr_decay": 0.1},
    {"name": "TextbookAdam"},
    {"name": "TextbookRMSprop"},
    {"name": "TextbookAdagrad"},
]
SQUARES = ("exp_avg_sq", "max_exp_avg_sq", "square_avg", "exp_inf", "sum", "v", "grad_avg")


def identity(settings):
    return " ".join(map(str, settings.values()))


def distance_after(optimizer, x, curvature, steps):
    """|x| after some steps on x' curvature x / 2."""
    for _ in range(steps):
        x.grad = curvature @ x.detach()
        optimizer.step()
        if not 1e-6 < torch.linalg.vector_norm(x.detach()).item() < 1e6:
            break
    return torch.linalg.vector_norm(x.detach()).item()


@pytest.mark.parametrize("settings", PLAIN, ids=identity)
@pytest.mark.parametrize(("factor", "converges"), [(0.97, True), (1.03, False)])
def test_the_limit_divides_converging_from_diverging(settings, factor, converges):
    config = OptimizerConfig.parse({**settings, "lr": 0.01})
    limit = stability_limit(config, 0.01)
    assert limit.value is not None
    assert not limit.preconditioned
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    curvature = torch.diag(torch.tensor([factor * limit.value, 0.3 * limit.value], dtype=torch.float64))
    start = torch.linalg.vector_norm(x.detach()).item()
    moved = distance_after(config.make([x], foreach=False), x, curvature, 3_000)
    assert (moved < 1e-3 * start) if converges else (moved > 1e3 * start)


class Constant:
    """A state in which what the optimizer divides by stays put from step to step."""

    def __init__(self, optimizer, x):
        self.optimizer, self.x, self.state = optimizer, x, optimizer.state[x]
        self.held = {k: self.state[k].clone() for k in SQUARES if k in self.state}
        self.step = self.state["step"].clone() if "step" in self.state else None

    def advance(self, gradient):
        """One step whose divisor is the one `preconditioner` reads from the state as it was held."""
        group = self.optimizer.param_groups[0]
        decay = group.get("weight_decay", 0.0) if not group.get("decoupled_weight_decay", False) else 0.0
        whole = gradient + decay * self.x.detach()
        for key, value in self.held.items():
            self.state[key].copy_(self.before(key, value, whole, group))
        if self.step is not None:
            self.state["step"].copy_(self.step - 1)
        self.x.grad = gradient
        self.optimizer.step()

    @staticmethod
    def before(key, value, gradient, group):
        """The state from which this gradient leads to `value`."""
        if key in ("sum",) or (key == "v" and "rho" not in group and "betas" not in group):
            return value - gradient**2
        if key == "exp_inf":
            return value / group["betas"][1]
        if key == "max_exp_avg_sq":
            return value
        two = group.get("alpha", group.get("rho", group["betas"][1] if "betas" in group else 0))
        power = gradient if key == "grad_avg" else gradient**2
        return (value - (1 - two) * power) / two


@pytest.mark.parametrize("settings", ADAPTIVE, ids=identity)
@pytest.mark.parametrize(("factor", "converges"), [(0.97, True), (1.03, False)])
def test_the_preconditioned_limit_divides_converging_from_diverging(settings, factor, converges):
    lr = 0.01
    config = OptimizerConfig.parse({**settings, "lr": lr})
    x = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64, requires_grad=True)
    optimizer = config.make([x], foreach=False)
    for _ in range(200):  # long enough for bias corrections to fade
        x.grad = torch.tensor([0.3, 1.0, 5.0], dtype=torch.float64)
        optimizer.step()
    for key in ("exp_avg", "m", "momentum_buffer"):
        if key in optimizer.state[x]:
            optimizer.state[x][key].zero_()
    limit = stability_limit(config, lr)
    found = preconditioner(optimizer)
    assert found is not None
    assert limit.preconditioned
    random = np.random.default_rng(0)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    scale = found.scale.numpy()
    spectrum = turn @ np.diag([factor * limit.value, 0.5 * limit.value, 0.2 * limit.value]) @ turn.T
    hessian = spectrum / np.outer(scale, scale) - found.weight_decay * np.eye(3)
    curvature = torch.from_numpy(hessian)
    with torch.no_grad():
        x.copy_(torch.from_numpy(turn[:, 0] * scale) * 1e-6)  # along the sharpest direction
    start = torch.linalg.vector_norm(x.detach()).item()
    state = Constant(optimizer, x)
    for _ in range(1_500):
        state.advance(curvature @ x.detach())
        moved = torch.linalg.vector_norm(x.detach()).item()
        if not 1e-4 * start < moved < 1e4 * start:
            break
    assert (moved < 1e-3 * start) if converges else (moved > 1e3 * start)


def test_the_figures_of_the_literature():
    def limit(**settings):
        return stability_limit(OptimizerConfig.parse(settings), settings["lr"]).value

    assert limit(name="SGD", lr=0.1) == pytest.approx(20)
    assert limit(name="SGD", lr=0.1, momentum=0.9) == pytest.approx(38)
    assert limit(name="Adam", lr=1e-3) == pytest.approx(38_000)
    assert limit(name="AdamW", lr=1e-3, weight_decay=0.01) == pytest.approx(38_000 * (1 - 5e-6))
    assert limit(name="RMSprop", lr=1e-3) == pytest.approx(2_000)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_a_limit_or_a_sentence(name):
    if name == "SparseAdam":
        pytest.skip("takes no dense gradients")
    limit = stability_limit(OptimizerConfig.parse({"name": name, "lr": 0.01}), 0.01)
    if limit.value is None:
        assert limit.note.startswith(name)
        assert limit.note.endswith("there is no single limit.")
    else:
        assert limit.value > 0
        assert "lr" in limit.formula


def test_dampening_1_has_no_limit():
    config = OptimizerConfig.parse({"name": "SGD", "lr": 0.1, "momentum": 0.9, "dampening": 1.0})
    assert stability_limit(config, 0.1).value is None


@pytest.mark.parametrize("lr", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(lr):
    with pytest.raises(ValueError, match="lr: expected a finite number > 0"):
        stability_limit(OptimizerConfig.parse({"name": "SGD", "lr": 0.1}), lr)
