"""Newton, damped Newton and the best step for the curvature, against numpy's own linear algebra."""

import numpy as np
import pytest
import torch

from optgui.core.surface.objective import Objective
from optgui.core.surface.optimizers import DescentOptimizer
from optgui.core.surface.problems import SURFACES
from optgui.core.surface.rules import make_rule
from optgui.core.surface.rules.curvature import eigen


def rule_of(name, start, **values):
    return make_rule(DescentOptimizer.parse({"name": name, **values}), np.asarray(start, np.float64))


def walk(name, objective, start, steps, lr=1.0, **values):
    x = np.asarray(start, np.float64)
    rule, path = rule_of(name, x, **values), [x]
    for _ in range(steps):
        x = rule.step(x, objective.gradients(x)[1], lr, objective)
        path.append(x)
    return np.array(path)


def bowl(matrix, center=(0.0, 0.0)):
    a, c = torch.tensor(matrix, dtype=torch.float64), torch.tensor(center, dtype=torch.float64)
    return Objective(lambda p: 0.5 * ((p - c) @ a * (p - c)).sum(-1))


ROSENBROCK = Objective(SURFACES["Rosenbrock"])


def test_eigenvalues_and_vectors_are_numpys():
    rng = np.random.default_rng(0)
    matrices = rng.normal(size=(500, 2, 2)) * 10 ** rng.uniform(-3, 3, (500, 1, 1))
    matrices += matrices.swapaxes(1, 2)
    found = eigen(matrices)
    theirs = np.linalg.eigvalsh(matrices)
    np.testing.assert_allclose(np.sort(found.values, 1), theirs, rtol=1e-11)
    assert (np.abs(found.values[:, 0]) >= np.abs(found.values[:, 1])).all()
    rebuilt = np.einsum("nk,nki,nkj->nij", found.values, found.vectors, found.vectors)
    np.testing.assert_allclose(rebuilt, matrices, atol=1e-12 * np.abs(matrices).max())


@pytest.mark.parametrize(
    "matrix", [[[3, 0], [0, 0]], [[0, 0], [0, -2]], [[0, 0], [0, 0]], [[1e6, 0], [0, 1]], [[1, 1], [1, 1]]]
)
def test_eigenvalues_of_singular_and_diagonal_matrices_are_exact(matrix):
    found = eigen(np.array([matrix], np.float64)).values[0]
    np.testing.assert_array_equal(np.sort(found), np.linalg.eigvalsh(np.array(matrix)).round(12))


def test_newton_reaches_the_bottom_of_any_bowl_in_one_step():
    rng = np.random.default_rng(1)
    for _ in range(20):
        root, center = rng.normal(size=(2, 2)), rng.normal(size=2)
        matrix = root @ root.T + 0.01 * np.eye(2)
        path = walk("Newton", bowl(matrix.tolist(), center.tolist()), rng.normal(size=(5, 2)), 1)
        np.testing.assert_allclose(path[-1], np.tile(center, (5, 1)), atol=1e-9)


def test_a_newton_step_solves_with_the_hessian_and_lr_takes_a_share_of_it():
    x = np.random.default_rng(2).normal(size=(50, 2))
    known = ROSENBROCK.derivatives(x)
    step = np.linalg.solve(known.hessians, known.gradients[:, :, None])[:, :, 0]
    lrs = np.linspace(0.1, 1, 50)[:, None]
    new = rule_of("Newton", x).step(x, known.gradients, lrs, ROSENBROCK)
    np.testing.assert_allclose(new, x - lrs * step, rtol=1e-9)


def test_newton_goes_to_a_saddle_and_damped_newton_leaves_it():
    saddle = Objective(lambda p: p[..., 0] ** 2 - p[..., 1] ** 2 + p[..., 1] ** 4)
    start = [[0.5, 0.1]]
    np.testing.assert_allclose(walk("Newton", saddle, start, 10)[-1], [[0, 0]], atol=1e-12)
    damped = walk("DampedNewton", saddle, start, 30)[-1]
    np.testing.assert_allclose(damped, [[0, np.sqrt(0.5)]], atol=1e-8)


@pytest.mark.parametrize("name", ["Newton", "DampedNewton", "BFGS", "ArmijoGD", "OptimalStepGD"])
def test_a_function_of_x_alone_leaves_y_as_it_is(name):
    line = Objective(lambda p: (p[..., 0] - 2) ** 2 + 0 * p[..., 1])
    path = walk(name, line, [[5.0, 3.0], [-1.0, -7.0]], 30)
    np.testing.assert_allclose(path[-1], [[2, 3], [2, -7]], atol=1e-9)


@pytest.mark.parametrize("name", ["Newton", "OptimalStepGD"])
def test_where_nothing_curves_it_stands_still(name):
    plane = Objective(lambda p: p[..., 0] + 2 * p[..., 1] + 0 * p[..., 0] ** 2)
    np.testing.assert_array_equal(walk(name, plane, [[1.0, 2.0]], 3)[-1], [[1, 2]])


def test_damped_newton_solves_rosenbrock():
    path = walk("DampedNewton", ROSENBROCK, [[-1.2, 1.0]], 40)
    np.testing.assert_allclose(path[-1], [[1, 1]], atol=1e-10)
    values = ROSENBROCK.values(path[:, 0])
    assert (np.diff(values) <= 0).all()


def test_a_damped_step_divides_by_sizes_of_eigenvalues_with_a_floor():
    x = np.array([[0.3, -0.2], [0.0, 1.0], [-0.5, 2.0]])
    known, floor = ROSENBROCK.derivatives(x), 50.0
    new = rule_of("DampedNewton", x, floor=floor).step(x, known.gradients, 1e-6, ROSENBROCK)
    for row in range(3):
        sizes, vectors = np.linalg.eigh(known.hessians[row])
        damped = vectors @ np.diag(1 / np.maximum(np.abs(sizes), floor)) @ vectors.T
        np.testing.assert_allclose(new[row], x[row] - 1e-6 * damped @ known.gradients[row], rtol=1e-12)


def test_the_best_step_divides_by_the_largest_eigenvalue_and_says_so():
    x = np.random.default_rng(3).normal(size=(20, 2))
    known = ROSENBROCK.derivatives(x)
    rule = rule_of("OptimalStepGD", x)
    new = rule.step(x, known.gradients, 0.5, ROSENBROCK)
    largest = np.abs(np.linalg.eigvalsh(known.hessians)).max(1, keepdims=True)
    np.testing.assert_allclose(new, x - 0.5 * known.gradients / largest, rtol=1e-12)
    np.testing.assert_allclose(rule.scale, np.repeat(largest, 2, 1), rtol=1e-12)


def test_the_best_step_never_overshoots_on_a_bowl():
    path = walk("OptimalStepGD", bowl([[8, 0], [0, 1]]), [[1.0, 1.0]], 50)
    np.testing.assert_allclose(path[1], [[0, 1 - 1 / 8]], atol=1e-15)
    assert (path >= -1e-15).all()
