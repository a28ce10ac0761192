"""Every rule of an optimizer of tensors walks where torch.optim walks, with every number and switch."""

import numpy as np
import pytest
import torch

from optgui.core.optimizers import OPTIMIZERS, retune, wants_closure
from optgui.core.params import Kind, params_of
from optgui.core.surface.objective import Objective
from optgui.core.surface.optimizers import DESCENT_OPTIMIZERS, DescentOptimizer
from optgui.core.surface.rules import RULES, columns_of, make_rule, make_rules

STEPS = 1000
OFFERED = [name for name in OPTIMIZERS if not DescentOptimizer.refusal(name)]
SINGLE = {"LBFGS", "Adafactor"}  # torch's own, a point at a time: fewer steps show it as well
# Rates at which no point swings for long, where the last digit of a float would grow.
ADAPTIVE = {"RMSprop": 1e-4, "TextbookRMSprop": 5e-4, "Adadelta": 0.005, "Adamax": 5e-4, "LBFGS": 0.5}
RATES = {
    "quadratic": {"SGD": 0.05, "Momentum": 0.1, "ASGD": 0.05, **ADAPTIVE},
    "Rosenbrock": {"SGD": 2e-4, "Momentum": 1e-3, "ASGD": 2e-4, **ADAPTIVE},
}
OTHERS = {
    "momentum": 0.8, "dampening": 0.4, "weight_decay": 0.03, "betas": (0.8, 0.99), "eps": 1e-3, "alpha": 0.9,
    "rho": 0.8, "lr_decay": 0.01, "initial_accumulator_value": 0.3, "lambd": 0.02, "t0": 5.0,
    "momentum_decay": 0.02, "etas": (0.4, 1.3), "step_sizes": (1e-4, 0.02), "beta2_decay": -0.6, "d": 1.5,
    "max_iter": 3, "history_size": 2, "tolerance_grad": 1e-4, "tolerance_change": 1e-5,
}  # fmt: skip


def quadratic(points):
    x, y = points[:, 0], points[:, 1]
    return np.stack([3 * x + y, x + 2 * y], 1)


def rosenbrock(points):
    x, y = points[:, 0], points[:, 1]
    return np.stack([2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)], 1)


def quadratic_value(p):
    return 1.5 * p[..., 0] ** 2 + p[..., 0] * p[..., 1] + p[..., 1] ** 2


def rosenbrock_value(p):
    return (1 - p[..., 0]) ** 2 + 100 * (p[..., 1] - p[..., 0] ** 2) ** 2


SURFACES = {"quadratic": (quadratic, quadratic_value), "Rosenbrock": (rosenbrock, rosenbrock_value)}


def settings(name, lr):
    """Defaults, each number and switch changed alone, and all of them at once."""
    base = {"name": name, "lr": lr}
    specs = [spec for spec in params_of(OPTIMIZERS[name].params) if spec.name != "lr"]
    other = {s.name: not s.default if s.kind is Kind.SWITCH else OTHERS[s.name] for s in specs}
    made = [base, base | {"lr": lr / 2}, *(base | {key: value} for key, value in other.items()), base | other]
    if name == "SGD":
        made[made.index(base | {"nesterov": True})] |= {"momentum": 0.7}
        made[-1] = base | other | {"dampening": 0.0}
        made.append(base | {"momentum": 0.7, "dampening": 0.4, "weight_decay": 0.1})
    if name in ("Adam", "NAdam", "RAdam"):
        made.append(base | {"weight_decay": 0.05, "decoupled_weight_decay": True})
    if name == "RMSprop":
        made.append(base | {"momentum": 0.7, "alpha": 0.95})
    return [DescentOptimizer.parse(values) for values in made]


def torchs(optimizers, start, gradient, objective, steps):
    """Points (steps, n, 2) of torch.optim, each point a parameter of its own with its own numbers."""
    points = [torch.nn.Parameter(torch.from_numpy(row.copy())) for row in start]
    made = [o.make([point], foreach=False) for o, point in zip(optimizers, points, strict=True)]
    path = []
    for _ in range(steps):
        for point, optimizer in zip(points, made, strict=True):
            if wants_closure(optimizer):

                def closure(point=point):
                    values, gradients = objective.gradients(point.detach().numpy()[None])
                    point.grad = torch.from_numpy(gradients[0])
                    return torch.from_numpy(values)[0]

                optimizer.step(closure)
            else:
                point.grad = torch.from_numpy(gradient(point.detach().numpy()[None])[0])
                optimizer.step()
        path.append([point.detach().numpy().copy() for point in points])
    return np.array(path)


def ours(optimizers, start, gradient, objective, steps):
    rules = make_rules(optimizers, start)
    lrs = np.array([[optimizer.lr] for optimizer in optimizers])
    x, path = start, []
    for _ in range(steps):
        g, new = gradient(x), np.empty_like(x)
        for rows, rule in rules:
            new[rows] = rule.step(x[rows], g[rows], lrs[rows], objective)
        x = new
        path.append(x)
    return np.array(path)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("name", OFFERED)
def test_a_rule_equals_torch_for_every_number_and_switch(name, surface):
    gradient, value = SURFACES[surface]
    objective = Objective(value)
    optimizers = settings(name, RATES[surface].get(name, 0.003))
    start = np.tile([-1.2, 1.0], (len(optimizers), 1))
    steps = 60 if name in SINGLE else STEPS
    theirs = torchs(optimizers, start, gradient, objective, steps)
    path = ours(optimizers, start, gradient, objective, steps)
    assert np.abs(theirs).max() < 10
    assert len(np.unique(theirs[-1], axis=0)) > 1
    np.testing.assert_allclose(path, theirs, rtol=1e-12, atol=1e-12)


def bits(name, **values):
    return DescentOptimizer.parse({"name": name, **values})


@pytest.mark.parametrize("name", OFFERED)
def test_a_point_walks_the_same_alone_and_beside_others(name):
    gradient, value = SURFACES["Rosenbrock"]
    optimizers = settings(name, RATES["Rosenbrock"].get(name, 0.003))
    start = np.random.default_rng(0).normal(size=(len(optimizers), 2))
    together = ours(optimizers, start, gradient, Objective(value), 50)
    for row, optimizer in enumerate(optimizers):
        alone = ours([optimizer], start[row : row + 1], gradient, Objective(value), 50)
        np.testing.assert_array_equal(alone[:, 0], together[:, row])


def test_optimizers_share_a_rule_where_name_and_switches_agree():
    optimizers = [bits("SGD"), bits("Adam"), bits("SGD", momentum=0.9), bits("Adam", amsgrad=True)]
    rules = make_rules(optimizers, np.zeros((4, 2)))
    assert [rows.tolist() for rows, _ in rules] == [[0, 2], [1], [3]]
    np.testing.assert_array_equal(rules[0][1].values["momentum"], [[0.0], [0.9]])
    assert rules[0][1].values["weight_decay"] == 0.0


def test_numbers_that_agree_stay_numbers_and_pairs_are_merged_item_by_item():
    columns = columns_of([bits("Adam", betas=(0.9, 0.99)), bits("Adam", betas=(0.8, 0.99))])
    np.testing.assert_array_equal(columns["betas"][0], [[0.9], [0.8]])
    assert columns["betas"][1] == 0.99
    assert columns["eps"] == 1e-8
    assert "lr" not in columns


def test_columns_give_each_point_a_number_of_its_own():
    start = np.random.default_rng(1).normal(size=(3, 2))
    betas, lrs = np.array([[0.5], [0.8], [0.9]]), np.array([[1e-4], [2e-4], [3e-4]])
    gradient, value = SURFACES["Rosenbrock"]
    for name, columns, parts in (
        ("SGD", {"momentum": betas}, [{"momentum": b} for b in betas[:, 0]]),
        ("Adam", {"betas": (betas, 0.99)}, [{"betas": (b, 0.99)} for b in betas[:, 0]]),
        ("RAdam", {"betas": (0.9, betas)}, [{"betas": (0.9, b)} for b in betas[:, 0]]),
        ("NAdam", {"betas": (betas, betas)}, [{"betas": (b, b)} for b in betas[:, 0]]),
    ):
        rule, x = make_rule(bits(name), start, **columns), start
        optimizers = [bits(name, lr=lr, **part) for lr, part in zip(lrs[:, 0], parts, strict=True)]
        for _ in range(30):
            x = rule.step(x, gradient(x), lrs, Objective(value))
        np.testing.assert_allclose(x, ours(optimizers, start, gradient, Objective(value), 30)[-1], rtol=1e-13)


def test_a_column_that_does_not_fit_is_refused_with_a_sentence():
    start = np.zeros((3, 2))
    with pytest.raises(ValueError, match="momentum: expected 3 rows of one number"):
        make_rule(bits("SGD"), start, momentum=np.zeros(3))
    with pytest.raises(ValueError, match="betas: expected a number of SGD other than lr"):
        make_rule(bits("SGD"), start, betas=(0.9, 0.9))
    with pytest.raises(ValueError, match="nesterov: expected a number of SGD"):
        make_rule(bits("SGD"), start, nesterov=np.ones((3, 1)))
    with pytest.raises(ValueError, match="lr: expected a number of SGD"):
        make_rule(bits("SGD"), start, lr=np.ones((3, 1)))


EDITS = [
    ({"name": "SGD"}, {"momentum": 0.9, "dampening": 0.5}),
    ({"name": "SGD", "momentum": 0.9}, {"momentum": 0.0}),
    ({"name": "SGD", "momentum": 0.9, "dampening": 0.2}, {"weight_decay": 0.1}),
    ({"name": "Adam"}, {"betas": (0.7, 0.9)}),
    ({"name": "RMSprop"}, {"momentum": 0.9}),
    ({"name": "RMSprop", "momentum": 0.9}, {"momentum": 0.0}),
    ({"name": "NAdam"}, {"momentum_decay": 0.1}),
    ({"name": "Rprop"}, {"etas": (0.3, 1.1)}),
    ({"name": "ASGD"}, {"lambd": 0.1, "alpha": 0.5}),
    ({"name": "LBFGS", "lr": 0.1, "max_iter": 3}, {"max_iter": 2, "history_size": 3}),
    ({"name": "Adafactor"}, {"beta2_decay": -0.3}),
]


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(("values", "change"), EDITS, ids=lambda item: item.get("name", ""))
def test_an_edit_and_its_way_back_do_what_torch_does(values, change, merged):
    gradient, value = SURFACES["quadratic"]
    objective = Objective(value)
    before = DescentOptimizer.parse({"lr": 0.003, **values})
    after = DescentOptimizer.parse(before.model_dump() | change)
    point = torch.nn.Parameter(torch.tensor([-1.2, 1.0], dtype=torch.float64))
    optimizer = before.make([point], foreach=False)

    def closure():
        values, gradients = objective.gradients(point.detach().numpy()[None])
        point.grad = torch.from_numpy(gradients[0])
        return torch.from_numpy(values)[0]

    others = [before] if merged else []
    x = np.tile([-1.2, 1.0], (1 + len(others), 1))
    ((_, rule),) = make_rules([before, *others], x)
    for config in (before, after, before, after):
        retune(optimizer, config)
        rule.retune(columns_of([config, *others]))
        for _ in range(10):
            closure()
            optimizer.step(closure)
            x = rule.step(x, gradient(x), config.lr, objective)
    np.testing.assert_allclose(x[0], point.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", list(RULES))
def test_a_row_that_is_not_finite_does_not_disturb_the_others(name):
    gradient, value = SURFACES["quadratic"]
    objective = Objective(value)
    start = np.array([[-1.2, 1.0], [np.nan, 1.0], [np.inf, -np.inf], [1e300, 1e300], [0.5, 0.5]])
    rule, alone = make_rule(bits(name), start), make_rule(bits(name), start[[0, 4]])
    x, y = start, start[[0, 4]]
    for _ in range(20):
        with np.errstate(all="ignore"):
            gx = gradient(x)
        kept, given = x.copy(), gx.copy()
        new = rule.step(x, gx, 0.1, objective)
        np.testing.assert_array_equal(x, kept)
        np.testing.assert_array_equal(gx, given)
        x, y = new, alone.step(y, gradient(y), 0.1, objective)
        np.testing.assert_array_equal(x[[0, 4]], y)


@pytest.mark.parametrize("name", list(RULES))
def test_what_is_remembered_has_a_name_and_the_shape_of_the_points(name):
    gradient, value = SURFACES["quadratic"]
    start = np.array([[-1.2, 1.0], [0.5, 0.5]])
    values = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    rule = make_rule(bits(name, **values), start)
    rule.step(start, gradient(start), 0.01, Objective(value))
    for state, words in ((rule.momentum, rule.momentum_name), (rule.second_moment, rule.second_name)):
        assert (state is None) == (words == "")
        assert state is None or state.shape == (2, 2)
    assert rule.scale is None or rule.scale.shape == (2, 2)


def test_every_optimizer_that_is_not_refused_has_a_rule():
    assert set(RULES) == {name for name in DESCENT_OPTIMIZERS if not DescentOptimizer.refusal(name)}
