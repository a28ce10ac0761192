"""Where a plane meets ball and box, and where a path passes it, against each definition written out."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from optgui.core.attack import NORMS, norm_of
from optgui.core.attack.plane.geometry import ball_outline, box_outline, clipped_outline, on_plane, span
from tests.core.attack.plane.samples import attacked, sampled

CONVEX = [name for name in NORMS if norm_of(name).convex]


@pytest.fixture
def basis():
    random = np.random.default_rng(4)
    return span(random.normal(size=784), random.normal(size=784))


def size(name, points, basis):
    changes = torch.tensor(points @ basis).view(-1, 1, 28, 28)
    return norm_of(name).norm(changes).numpy()


@pytest.mark.parametrize("name", CONVEX)
def test_every_point_of_the_balls_outline_has_the_radius_or_lies_at_the_cut(basis, name):
    points = ball_outline(norm_of(name), 0.7, basis, 50.0)
    lengths = np.hypot(*points.T)
    cut = lengths > 50 * (1 - 1e-9)
    assert np.allclose(size(name, points[~cut], basis), 0.7, rtol=1e-6)
    assert (size(name, points[cut], basis) <= 0.7 + 1e-6).all()
    assert np.array_equal(points[0], points[-1])
    assert name == "HalfSpace" or not cut.any()


def test_in_l2_the_ball_meets_the_plane_in_a_circle(basis):
    assert np.allclose(np.hypot(*ball_outline(norm_of("L2"), 1.3, basis, 50.0).T), 1.3)


def test_in_linf_the_outline_is_that_of_the_widest_pixel(basis):
    points = ball_outline(norm_of("Linf"), 0.1, basis, 50.0)
    assert np.allclose(np.abs(points @ basis).max(1), 0.1)


@pytest.mark.parametrize("name", ["L2", "Linf", "L1"])
def test_clipped_pictures_on_their_outline_differ_by_the_radius(basis, name):
    image = np.random.default_rng(1).uniform(-1, 2, 784).clip(0, 1)
    radius = {"L2": 1.0, "Linf": 0.1, "L1": 10.0}[name]
    points = clipped_outline(norm_of(name), radius, basis, image, 9.0)
    changed = (image + points @ basis).clip(0, 1) - image
    sizes = {
        "L2": np.linalg.norm(changed, axis=1),
        "Linf": np.abs(changed).max(1),
        "L1": np.abs(changed).sum(1),
    }
    assert np.allclose(sizes[name], radius, rtol=1e-3)
    lengths = np.hypot(*points.T)
    assert (lengths + 1e-3 >= np.hypot(*ball_outline(norm_of(name), radius, basis, 9.0)[::2].T)).all()


def test_the_box_is_the_polygon_of_its_1568_half_planes(basis):
    image = np.random.default_rng(2).uniform(0.2, 0.8, 784)
    polygon = box_outline(image, basis, 10.0)
    pixels = image + polygon @ basis
    assert pixels.min() >= -2e-6
    assert pixels.max() <= 1 + 2e-6
    for angle in np.arange(12) * np.pi / 6:  # as far as a linear program goes each way
        way = np.array([np.cos(angle), np.sin(angle)])
        rows = np.concatenate([basis.T, -basis.T])
        room = np.concatenate([1 - image, image])
        best = linprog(-way, A_ub=rows, b_ub=room, bounds=[(-10, 10)] * 2)
        assert (polygon @ way).max() == pytest.approx(-best.fun, abs=1e-3)


def test_on_a_black_background_the_box_is_a_line_along_the_attack():
    image, random = np.zeros(784), np.random.default_rng(0)
    image[300:420] = 0.6
    added = np.zeros(784)
    added[250:500] = random.uniform(0, 0.3, 250)
    polygon = box_outline(image, span(added, random.normal(size=784)), 5.0)
    assert np.abs(polygon[:, 1]).max() < 1e-3
    assert polygon[:, 0].min() == pytest.approx(0, abs=1e-3)
    assert polygon[:, 0].max() > np.linalg.norm(added)


def test_a_box_that_is_wider_than_the_picture_is_the_square(basis):
    polygon = box_outline(np.full(784, 0.5), basis, 0.1)
    assert sorted({tuple(point) for point in np.abs(polygon).round(9).tolist()}) == [(0.1, 0.1)]


def test_the_path_is_projected_and_its_distance_is_what_is_left():
    inputs = attacked({"random_start": True})
    frame = sampled(inputs).frame()
    whole = np.linalg.norm(inputs.path.reshape(len(inputs.path), -1).astype(float), axis=1)
    assert np.allclose(np.hypot(*frame.path.T) ** 2 + frame.off_plane**2, whole**2, rtol=1e-6)
    # The path of one restart ends where the attack does, unless an earlier point of it was better.
    same = [np.array_equal(one, inputs.perturbation) for one in inputs.path]
    if any(same):
        assert frame.off_plane[np.flatnonzero(same)[-1]] == pytest.approx(0, abs=1e-5)
        assert frame.path[np.flatnonzero(same)[-1]] == pytest.approx(frame.adversarial, abs=1e-5)


def test_a_point_of_the_plane_is_projected_onto_itself(basis):
    points, off = on_plane(np.array([[0.3, -1.2], [2.0, 0.5]]) @ basis, basis)
    assert np.allclose(points, [[0.3, -1.2], [2.0, 0.5]])
    assert np.allclose(off, 0, atol=1e-12)


def test_two_directions_that_are_one_span_no_plane():
    one = np.random.default_rng(0).normal(size=784)
    assert span(one, -2 * one) is None
    assert span(one, np.zeros(784)) is None


@pytest.mark.parametrize("name", list(NORMS))
def test_every_norm_has_its_plane(name):
    epsilon = {"Linf": 0.1, "L1": 10, "L0": 30}.get(name, 1.5)
    frame = sampled(attacked({"norm": name, "epsilon": epsilon, "step_size": epsilon / 4})).frame()
    assert frame.level == frame.levels
    assert np.isfinite(frame.values).all()
    assert (len(frame.ball) > 0) == norm_of(name).convex
    assert frame.norm == name
