"""The ruler of learning rates against simulation: numpy loops written here, and torch.optim.SGD."""

import math

import numpy as np
import pytest
import torch

from optgui.core.optimizers import OptimizerConfig
from optgui.core.surface.objective import Objective
from optgui.core.surface.optimizers import DESCENT_OPTIMIZERS, DescentOptimizer
from optgui.core.surface.rates import (
    Form,
    Update,
    best_heavy_ball,
    contraction,
    rate_map,
    ruler,
)
from optgui.core.surface.rules import make_rule

COUNT = 1000
FORMS = list(Form)


def sgd(**values):
    return OptimizerConfig.parse({"name": "SGD", **values})


def quadratics(seed):
    """Symmetric positive definite matrices (n, 2, 2), their eigenvalues (n, 2) and momenta (n,)."""
    rng = np.random.default_rng(seed)
    low = 10 ** rng.uniform(-2, 2, COUNT)
    eigenvalues = np.stack([low, low * 10 ** rng.uniform(0.01, 1.5, COUNT)], 1)
    angle = rng.uniform(0, 2 * np.pi, COUNT)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], 1).reshape(-1, 2, 2)
    matrices = turn @ (eigenvalues[:, :, None] * turn.swapaxes(1, 2))
    betas = np.where(rng.random(COUNT) < 0.2, 0.0, rng.uniform(0.05, 0.95, COUNT))
    return matrices, eigenvalues, betas


def simulate(matrices, lrs, betas, form, steps, seed=0):
    """log |(x, lr v)| after each step (steps, n); states are rescaled as they go, the update being linear."""
    x = np.random.default_rng(seed).normal(size=(len(matrices), 2))
    v = np.zeros_like(x)
    lrs, betas = lrs[:, None], betas[:, None]
    grown, logs = np.zeros(len(matrices)), []
    for _ in range(steps):
        g = (matrices @ x[:, :, None])[:, :, 0]
        if form is Form.HEAVY_BALL:
            v = betas * v + g
            x = x - lrs * v
        elif form is Form.NESTEROV:
            v = betas * v + g
            x = x - lrs * (g + betas * v)
        else:
            v = betas * v + (1 - betas) * g
            x = x - lrs * v
        size = np.sqrt((x**2).sum(1) + (lrs[:, 0] ** 2) * (v**2).sum(1))
        grown += np.log(size)
        x, v = x / size[:, None], v / size[:, None]
        logs.append(grown.copy())
    return np.array(logs)


@pytest.mark.parametrize("form", FORMS)
def test_below_the_limit_a_thousand_quadratics_shrink_and_above_it_they_grow(form):
    matrices, eigenvalues, betas = quadratics(0)
    limits = np.array(
        [ruler(pair, Update(beta, form)).limit for pair, beta in zip(eigenvalues, betas, strict=True)]
    )
    below = simulate(matrices, 0.999 * limits, betas, form, 1200)
    above = simulate(matrices, 1.001 * limits, betas, form, 1200)
    assert (below[-1] < below[499] - 0.5).all()
    assert (above[-1] > above[499] + 0.5).all()


@pytest.mark.parametrize("form", FORMS)
def test_spectral_radius_is_the_rate_that_a_simulation_measures(form):
    matrices, eigenvalues, betas = quadratics(1)
    shares = np.random.default_rng(2).uniform(0.05, 1.2, COUNT)
    lrs = shares * [ruler(pair, Update(b, form)).limit for pair, b in zip(eigenvalues, betas, strict=True)]
    logs = simulate(matrices, lrs, betas, form, 2500)
    measured = (logs[-1] - logs[499]) / 2000
    theory = [
        float(contraction(lr, pair, beta, form))
        for lr, pair, beta in zip(lrs, eigenvalues, betas, strict=True)
    ]
    np.testing.assert_allclose(measured, np.log(theory), atol=0.01)


def test_spectral_radius_is_numpys_eigenvalue_of_the_iteration_matrix():
    rng = np.random.default_rng(3)
    for _ in range(200):
        beta, d, scaled = rng.uniform(0.01, 0.99), rng.uniform(0, 1), rng.uniform(-2, 6)
        columns = {
            Form.HEAVY_BALL: [[1 - (1 - d) * scaled, -beta], [(1 - d) * scaled, beta]],
            Form.NESTEROV: [[1 - scaled - beta * scaled, -(beta**2)], [scaled, beta]],
            Form.AVERAGE: [[1 - (1 - beta) * scaled, -beta], [(1 - beta) * scaled, beta]],
        }
        for form, matrix in columns.items():
            theirs = np.abs(np.linalg.eigvals(np.array(matrix))).max()
            assert contraction(1.0, [scaled], beta, form, d) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"weight_decay": 0.7},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.6},
        {"momentum": 0.0, "dampening": 0.6},
        {"momentum": 0.8, "nesterov": True},
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.3},
        {"momentum": 0.5, "dampening": 0.5, "weight_decay": 0.3},
    ],
)
def test_torchs_sgd_converges_just_below_its_limit_and_not_just_above(values):
    matrix = torch.tensor([[3.0, 1.0], [1.0, 0.8]], dtype=torch.float64)
    config = sgd(**values)
    made = ruler(np.linalg.eigvalsh(matrix.numpy()), config)
    sizes = {}
    for share in (0.999, 1.001):
        x = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
        optimizer = config.changed("lr", share * made.limit).make([x], foreach=False)
        for _ in range(3000):
            x.grad = matrix @ x.detach()
            optimizer.step()
        sizes[share] = float(x.detach().norm())
    assert sizes[0.999] < 0.05
    assert sizes[1.001] > 10
    assert made.regime(0.999 * made.limit).rate < 1 < made.regime(1.001 * made.limit).rate


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ({}, 2 / 8),
        ({"momentum": 0.9}, 2 * 1.9 / 8),
        ({"momentum": 0.9, "nesterov": True}, 2 * 1.9 / (2.8 * 8)),
        ({"momentum": 0.9, "dampening": 0.9}, 2 * 1.9 / (0.1 * 8)),
        ({"momentum": 0.9, "weight_decay": 2.0}, 2 * 1.9 / 10),
    ],
)
def test_limits_are_the_textbooks(values, limit):
    assert ruler([8, 1], sgd(**values)).limit == pytest.approx(limit, rel=1e-14)


def test_momentum_as_an_average_has_the_limit_of_dampening_equal_to_momentum():
    average = ruler([1, 8], Update(0.9, Form.AVERAGE))
    assert average.limit == pytest.approx(2 * 1.9 / (0.1 * 8), rel=1e-14)
    assert average.limit == pytest.approx(ruler([1, 8], sgd(momentum=0.9, dampening=0.9)).limit, rel=1e-12)


def test_marks_of_plain_descent_are_the_three_of_the_textbook():
    marks = ruler([2, 8], sgd()).marks
    assert [mark.value for mark in marks] == pytest.approx([1 / 8, 2 / 10, 2 / 8], rel=1e-14)
    assert all(mark.label and mark.help and mark.formula for mark in marks)
    assert [mark.formula for mark in marks] == ["1 / λ_max", "2 / (λ_min + λ_max)", "2 / λ_max"]


def test_a_round_bowl_has_one_mark_for_its_best_rate():
    made = ruler([4, 4], sgd())
    assert [mark.value for mark in made.marks] == [0.25, 0.5]
    assert made.regime(0.25).rate == 0


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("condition", [1.5, 10, 1000])
def test_no_rate_beats_the_best_mark_and_regimes_lie_in_order(beta, form, condition):
    made = ruler([1, condition], Update(beta, form))
    lrs = np.geomspace(made.limit * 1e-5, made.limit * 1.5, 4001)
    rates = contraction(lrs, made.eigenvalues, beta, form)
    best = float(contraction(made.best, made.eigenvalues, beta, form))
    assert best <= rates.min() + 1e-9
    assert 0 < made.slow_below <= made.best <= made.near_until < made.limit
    assert contraction(made.near_until, made.eigenvalues, beta, form) <= best + 1e-7
    for lr, rate in zip(lrs[::40], rates[::40], strict=True):
        regime = made.regime(lr)
        assert regime.rate == pytest.approx(rate, rel=1e-12)
        assert (regime.name == "diverges") == (rate > 1)
    narrow = (made.slow_below / 2, (made.near_until + made.limit) / 2)
    ladder = sorted([*lrs[::20], *narrow])
    names = [made.regime(lr).name for lr in ladder]
    order = list(dict.fromkeys(names))
    assert order == ["slow", "near-optimal", "jumpy", "diverges"]
    assert names == sorted(names, key=order.index)


@pytest.mark.parametrize(
    ("share", "name"),
    [(0.24, "slow"), (0.26, "near-optimal"), (0.9, "jumpy"), (1.0, "never settles"), (1.01, "diverges")],
)
def test_regimes_of_plain_descent_have_their_names(share, name):
    regime = ruler([2, 8], sgd()).regime(share * 2 / 8)
    assert regime.name == name
    assert regime.label
    assert regime.help


def test_help_says_that_tutorial_and_engineers_use_damped_for_opposites():
    made = ruler([2, 8], sgd())
    slow, jumpy = made.regime(0.01).help, made.regime(0.24).help
    assert (
        slow.index("tutorial calls this under-damped") < slow.index("engineers") < slow.index("over-damped")
    )
    assert jumpy.index("tutorial calls this over-damped") < jumpy.index("engineers")
    assert "damped" not in ruler([2, 8], sgd(momentum=0.9)).regime(1e-5).help  # it may swing there


def test_a_momentum_that_settles_well_at_a_small_rate_is_not_called_slow():
    made = ruler([1, 10], sgd(momentum=0.9))
    lr = 0.02  # a twentieth of the limit, where every coordinate turns at sqrt(0.9)
    assert made.limit / lr > 15
    assert made.regime(lr).rate == pytest.approx(math.sqrt(0.9))
    assert made.regime(lr).name == "near-optimal"


@pytest.mark.parametrize("values", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}])
def test_escape_from_a_saddle_grows_as_torchs_does(values):
    config = sgd(lr=0.05, **values)
    regime = ruler([-0.5, 4], config).regime(0.05)
    assert regime.name == "saddle or flat"
    assert "no convergent rate" in regime.label
    x = torch.nn.Parameter(torch.tensor([1e-6, 0.0], dtype=torch.float64))
    optimizer, sizes = config.make([x], foreach=False), []
    for _ in range(300):
        x.grad = x.detach() * torch.tensor([-0.5, 4.0])
        optimizer.step()
        sizes.append(float(x.detach()[0]))
    assert regime.escape == pytest.approx(sizes[-1] / sizes[-2], rel=1e-6)
    if not values:
        assert regime.escape == pytest.approx(1 + 0.05 * 0.5, rel=1e-14)


def test_flat_direction_neither_shrinks_nor_grows():
    made = ruler([1e-17, 2.0], sgd())
    assert not made.convex
    regime = made.regime(0.1)
    assert regime.name == "saddle or flat"
    assert regime.escape == pytest.approx(1, abs=1e-15)
    assert "Saddle or flat" in made.note


@pytest.mark.parametrize("eigenvalues", [[-3, -1], [0, 0], [-1, 0]])
def test_where_nothing_curves_up_there_is_no_limit(eigenvalues):
    made = ruler(eigenvalues, sgd(momentum=0.5))
    assert made.marks == ()
    assert made.limit == math.inf
    assert made.regime(1.0).name == "saddle or flat"


def test_weight_decay_can_turn_a_saddle_into_a_bowl():
    made = ruler([-0.5, 4], sgd(weight_decay=1.0))
    assert made.convex
    np.testing.assert_allclose(made.eigenvalues, [0.5, 5])
    assert "weight decay" in made.note


def test_dampening_one_never_settles():
    made = ruler([1, 8], sgd(momentum=0.9, dampening=1.0))
    assert made.marks == ()
    assert made.regime(0.1).name == "never settles"
    assert made.regime(0.1).rate == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("name", list(DESCENT_OPTIMIZERS))
def test_every_optimizer_has_marks_or_a_sentence_why_not(name):
    made = ruler([1, 8], DescentOptimizer.model_construct(name=name, **defaults(name)))
    assert "is not linear on a quadratic" not in made.note
    regime = made.regime(0.1)
    assert made.marks or made.note.startswith(f"{DESCENT_OPTIMIZERS[name].label} ")
    assert made.note.endswith(".") or not made.note
    assert (regime.name == "no single limit") == (not made.marks)
    assert regime.label
    assert regime.help


def defaults(name):
    return {field: info.default for field, info in DESCENT_OPTIMIZERS[name].params.model_fields.items()}


def test_adaptive_optimizers_have_no_single_limit():
    made = ruler([1, 8], OptimizerConfig.parse({"name": "Adam"}))
    assert made.note == "Adam divides by its own scale: no single limit."
    assert math.isnan(made.regime(0.1).rate)


@pytest.mark.parametrize("beta", [0.0, 0.8])
def test_the_textbooks_momentum_converges_just_below_its_limit_and_not_just_above(beta):
    matrix = torch.tensor([[3.0, 1.0], [1.0, 0.8]], dtype=torch.float64)
    config = OptimizerConfig.parse({"name": "Momentum", "momentum": beta})
    made = ruler(np.linalg.eigvalsh(matrix.numpy()), config)
    assert made.limit == pytest.approx(2 * (1 + beta) / (1 - beta) / made.eigenvalues[-1], rel=1e-12)
    sizes = []
    for share in (0.999, 1.001):
        x = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
        optimizer = config.changed("lr", share * made.limit).make([x])
        for _ in range(8000):
            x.grad = matrix @ x.detach()
            optimizer.step()
        sizes.append(float(x.detach().norm()))
    assert sizes[0] < 0.1
    assert sizes[1] > 10


@pytest.mark.parametrize("name", ["Newton", "OptimalStepGD"])
def test_a_rate_in_units_of_the_curvature_converges_below_two_whatever_the_curvature(name):
    made = ruler([1, 8], DescentOptimizer.parse(name))
    assert "below 2 it converges, whatever the curvature" in made.note
    for steepness in (0.01, 100.0):
        bowl = Objective(lambda p, k=steepness: k * (p * p).sum(-1))
        for lr, ends in ((1.9, True), (2.1, False)):
            x = np.array([[1.0, -2.0]])
            rule = make_rule(DescentOptimizer.parse({"name": name, "lr": lr}), x)
            for _ in range(200):
                x = rule.step(x, bowl.gradients(x)[1], lr, bowl)
            assert (np.abs(x).max() < 1e-6) == ends


def test_polyaks_pair_is_the_best_of_the_whole_map():
    best = best_heavy_ball([2.0, 50.0])
    root = math.sqrt(25)
    assert best.beta == pytest.approx(((root - 1) / (root + 1)) ** 2, rel=1e-12)
    assert best.lr == pytest.approx(4 / (math.sqrt(50) + math.sqrt(2)) ** 2, rel=1e-12)
    rates = rate_map([2.0, 50.0], np.linspace(0.001, 0.16, 300), np.linspace(0, 0.99, 200))
    assert rates.min() >= best.rate - 1e-9
    assert rates.min() == pytest.approx(best.rate, abs=0.02)
    assert contraction(best.lr, [2.0, 50.0], best.beta) == pytest.approx(best.rate, abs=1e-6)


def test_rate_map_has_a_row_for_each_momentum():
    lrs, betas = [0.01, 0.02, 0.03], [0.0, 0.9]
    rates = rate_map([1, 10], lrs, betas, Form.NESTEROV)
    assert rates.shape == (2, 3)
    assert rates[1, 2] == contraction(0.03, [1, 10], 0.9, Form.NESTEROV)


def test_huge_rates_overflow_to_nothing_worse_than_a_huge_factor():
    assert contraction(1e6, [1e300], 0.9) == pytest.approx(1e306, rel=1e-6)
    assert ruler([1e299, 1e300], sgd(momentum=0.9)).regime(1e6).name == "diverges"


@pytest.mark.parametrize("lr", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused_with_a_sentence(lr):
    with pytest.raises(ValueError, match="lr: expected a finite number > 0, got"):
        ruler([1, 2], sgd()).regime(lr)


@pytest.mark.parametrize("eigenvalues", [[], [1, math.nan], [math.inf, 1], [[1, 2]]])
def test_eigenvalues_that_are_none_are_refused_with_a_sentence(eigenvalues):
    with pytest.raises(ValueError, match="eigenvalues: expected a list of finite numbers, got"):
        ruler(eigenvalues, sgd())


def test_a_momentum_of_one_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="momentum: expected"):
        Update(1.0)
    with pytest.raises(ValueError, match="momentum: expected"):
        contraction(0.1, [1.0], [0.5, 1.0])
    with pytest.raises(ValueError, match="eigenvalues: expected numbers > 0, got 0"):
        best_heavy_ball([0, 1])
