"""Armijo's rule holds at every step, BFGS goes where scipy's goes, and satisfied points wait."""

import numpy as np
import pytest
import scipy.optimize
import torch

from optgui.core.surface.objective import Objective
from optgui.core.surface.optimizers import DescentOptimizer
from optgui.core.surface.problems import SURFACES
from optgui.core.surface.rules import make_rule
from optgui.core.surface.rules.line_search import backtrack

ROSENBROCK = Objective(SURFACES["Rosenbrock"])
HIMMELBLAU = Objective(SURFACES["Himmelblau"])
STARTS = np.array([[-1.2, 1.0], [2.0, 2.0], [0.0, -1.0], [-0.5, 0.3]])


def rule_of(name, start, **values):
    return make_rule(DescentOptimizer.parse({"name": name, **values}), start)


class Counted(Objective):
    """Remembers how many points each look at values had."""

    def __init__(self, function):
        super().__init__(function)
        self.looks = []

    def values(self, points):
        self.looks.append(len(points))
        return super().values(points)


@pytest.mark.parametrize("shrink", [0.3, 0.5, 0.8])
def test_gradient_descent_takes_the_first_trial_step_that_armijos_rule_accepts(shrink):
    x, c, first = STARTS, 0.2, 0.7
    rule = rule_of("ArmijoGD", x, c=c, shrink=shrink)
    for _ in range(10):
        values, g = ROSENBROCK.gradients(x)
        new = rule.step(x, g, first, ROSENBROCK)
        for row in range(len(x)):
            t = first
            squared = g[row] @ g[row]
            while ROSENBROCK.values((x[row] - t * g[row])[None])[0] > values[row] - c * t * squared:
                t *= shrink
            np.testing.assert_allclose(new[row], x[row] - t * g[row], rtol=1e-12)
        x = new


@pytest.mark.parametrize("name", ["DampedNewton", "BFGS"])
@pytest.mark.parametrize("objective", [ROSENBROCK, HIMMELBLAU], ids=["Rosenbrock", "Himmelblau"])
def test_armijos_condition_holds_at_each_accepted_step(name, objective):
    x, c = STARTS, 1e-4
    rule = rule_of(name, x, c=c)
    for _ in range(60):
        values, g = objective.gradients(x)
        new = rule.step(x, g, 1.0, objective)
        moved = new - x
        limit = values + c * (g * moved).sum(1)
        assert (objective.values(new) <= limit + 1e-12 * (1 + np.abs(values))).all()
        x = new
    assert (np.abs(objective.gradients(x)[1]) < 1e-5).all()


def test_points_that_are_satisfied_wait():
    bowl = Counted(lambda p: (p**2).sum(-1))
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    g = 2 * x
    first = np.array([[0.5], [8.0], [2.0]])
    t = backtrack(bowl, x, (x**2).sum(1), g, -g, first, {"c": 1e-4, "shrink": 0.5})
    np.testing.assert_array_equal(t, [[0.5], [0.5], [0.5]])
    assert bowl.looks == [3, 2, 2, 1, 1]


def test_no_good_step_uphill_or_where_nothing_is_finite():
    log = Objective(lambda p: -torch.log(p[..., 0]) + p[..., 1])
    x = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    now, g = log.gradients(x)
    ways = np.array([g[0], [-g[1][0], -g[1][1]], -g[2]])
    t = backtrack(log, x, now, g, ways, 1.0, {"c": 1e-4, "shrink": 0.5})
    assert t[0] == 0
    assert t[1] > 0
    assert t[2] == 0


def test_a_first_step_out_of_the_domain_is_shortened_until_it_is_inside():
    root = Objective(lambda p: torch.sqrt(p[..., 0]) + p[..., 1] ** 2)
    x = np.array([[0.01, 0.0]])
    new = rule_of("ArmijoGD", x).step(x, root.gradients(x)[1], 1.0, root)
    assert 0 <= new[0, 0] < 0.01


def test_bfgs_is_the_formula_written_with_matrices():
    x, g_before, x_before = STARTS, None, None
    rule = rule_of("BFGS", x)
    inverse, learnt = [np.eye(2) for _ in x], [False] * len(x)
    for _ in range(25):
        values, g = ROSENBROCK.gradients(x)
        new = rule.step(x, g, 1.0, ROSENBROCK)
        for row in range(len(x)):
            if x_before is not None:
                s, y = x[row] - x_before[row], g[row] - g_before[row]
                if s @ y > 1e-10 * np.linalg.norm(s) * np.linalg.norm(y):
                    if not learnt[row]:
                        inverse[row] = np.eye(2) * (s @ y) / (y @ y)
                    learnt[row] = True
                    left = np.eye(2) - np.outer(s, y) / (s @ y)
                    inverse[row] = left @ inverse[row] @ left.T + np.outer(s, s) / (s @ y)
            way = -inverse[row] @ g[row]
            t = 1.0
            while ROSENBROCK.values((x[row] + t * way)[None])[0] > values[row] + 1e-4 * t * (g[row] @ way):
                t /= 2
                if t < 1e-17:
                    t = 0
            np.testing.assert_allclose(new[row], x[row] + t * way, rtol=1e-6, atol=1e-9)
        x_before, g_before, x = x, g, new


def test_bfgs_reaches_the_bottom_of_a_bowl_and_knows_its_hessian():
    matrix = np.array([[5.0, 2.0], [2.0, 3.0]])
    bowl = Objective(lambda p: 0.5 * (p @ torch.from_numpy(matrix) * p).sum(-1))
    x = np.array([[3.0, -2.0], [-1.0, 4.0]])
    rule = rule_of("BFGS", x)
    for _ in range(15):
        x = rule.step(x, bowl.gradients(x)[1], 1.0, bowl)
    np.testing.assert_allclose(x, 0, atol=1e-9)
    np.testing.assert_allclose(rule.inverse, np.tile(np.linalg.inv(matrix), (2, 1, 1)), rtol=1e-3)


@pytest.mark.parametrize("name", ["BFGS", "DampedNewton"])
def test_it_ends_where_scipys_bfgs_ends(name):
    def value(p):
        return float(ROSENBROCK.values(np.asarray(p)[None])[0])

    theirs = scipy.optimize.minimize(value, STARTS[0], method="BFGS", jac=lambda p: (
        ROSENBROCK.gradients(np.asarray(p)[None])[1][0]), options={"gtol": 1e-10})  # fmt: skip
    x = STARTS
    rule = rule_of(name, x)
    for _ in range(80):
        x = rule.step(x, ROSENBROCK.gradients(x)[1], 1.0, ROSENBROCK)
    np.testing.assert_allclose(x, np.tile(theirs.x, (4, 1)), atol=1e-7)


def test_bfgs_begins_anew_where_its_direction_goes_uphill():
    bowl = Objective(lambda p: (p**2).sum(-1))
    x = np.array([[1.0, 1.0]])
    rule = rule_of("BFGS", x)
    rule.inverse[0] = -np.eye(2)
    new = rule.step(x, 2 * x, 1.0, bowl)
    np.testing.assert_allclose(new, x - 0.5 * 2 * x)
