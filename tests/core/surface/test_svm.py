"""The support vector machine: feasible weights, the shortest of them, the best b, against scipy's SLSQP."""

import math

import numpy as np
import pytest
import torch
from scipy import optimize

from optgui.core.surface import SURFACES, DescentConfig, DescentEngine, SurfaceConfig
from optgui.core.surface.svm import best_b

SVM = SURFACES["SVM"]
POINTS = SVM.defaults["points"]


def shifted(points, by):
    return tuple((u + by[0], v + by[1], label) for u, v, label in points)


def random_classes(seed, count=8):
    """Two classes beside a random line, at least 0.2 away from it."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * math.pi)
    normal, offset = np.array([math.cos(angle), math.sin(angle)]), rng.normal()
    places = rng.normal(0, 2, (count, 2))
    labels = np.where(np.arange(count) % 2, 1.0, -1.0)
    heights = places @ normal - offset
    places += np.outer(labels * (0.2 + np.abs(heights)) - heights, normal)
    return tuple((float(u), float(v), float(s)) for (u, v), s in zip(places, labels, strict=True))


def slsqp(points, b=None):
    """The shortest w for this b, or (w, b) for the best one."""
    data = np.array(points)
    places, labels = data[:, :2], data[:, 2]
    size = 2 if b is not None else 3

    def margins(z):
        return labels * (places @ z[:2] - (z[2] if b is None else b)) - 1

    # a start that keeps all margins, from a linear program
    rows = -labels[:, None] * (np.hstack([places, -np.ones((len(data), 1))])[:, :size])
    bounds = -1 - labels * (b or 0.0)
    start = optimize.linprog(np.zeros(size), rows, bounds, bounds=[(None, None)] * size)
    if start.status == 2:
        return None
    found = optimize.minimize(
        lambda z: z[:2] @ z[:2],
        start.x,
        jac=lambda z: np.append(2 * z[:2], [0] * (size - 2)),
        constraints=[{"type": "ineq", "fun": margins, "jac": lambda z: -rows}],
        method="SLSQP",
        options={"ftol": 1e-16, "maxiter": 1000},
    )
    assert margins(found.x).min() > -1e-8
    return found.x


DATA = {
    "default": POINTS,
    "moved": shifted(POINTS, (3.0, -2.0)),
    "two points": ((1.0, 2.0, 1.0), (-1.0, 0.0, -1.0)),
    "duplicates": (*POINTS, *POINTS),
    "on one line": ((0.0, 0.0, -1.0), (1.0, 1.0, -1.0), (2.0, 2.0, 1.0), (3.0, 3.0, 1.0)),
    **{f"random {seed}": random_classes(seed) for seed in range(12)},
}
every_data = pytest.mark.parametrize(
    "points", [pytest.param(points, id=name) for name, points in DATA.items()]
)


@every_data
@pytest.mark.parametrize("b", [-2.0, -0.3, 0.0, 0.5, 1.7])
def test_the_minimum_is_the_shortest_weight_that_slsqp_finds(points, b):
    given = {"points": points, "b": b}
    found = slsqp(points, b)
    assert SVM.feasible(given).is_empty == (found is None)
    if found is None:
        assert SVM.find_minima(given) == ()
        assert SVM.note(given).startswith("No w keeps every point out of the margin with b =")
        return
    ((w1, w2),) = SVM.find_minima(given)
    assert SVM.note(given) == ""
    np.testing.assert_allclose([w1, w2], found, rtol=1e-6, atol=1e-6)
    margins = [label * (w1 * u + w2 * v - b) for u, v, label in points]
    assert min(margins) == pytest.approx(1, abs=1e-9)


@every_data
def test_the_best_b_is_that_of_slsqp_over_weights_and_b_together(points):
    w1, w2, b = slsqp(points)
    found = best_b({"points": points})
    assert found == pytest.approx(b, abs=1e-6, rel=1e-6)
    ((v1, v2),) = SVM.find_minima({"points": points, "b": found})
    np.testing.assert_allclose([v1, v2], [w1, w2], rtol=1e-6, atol=1e-6)


def test_no_other_b_has_a_shorter_weight():
    def length(b):
        return math.hypot(*SVM.find_minima({"points": POINTS, "b": b})[0])

    best = best_b(SVM.defaults)
    assert all(length(b) >= length(best) for b in np.linspace(best - 1, best + 1, 81))
    assert length(SVM.defaults["b"]) > 1.2 * length(best)  # so that there is something to find


@pytest.mark.parametrize(
    "points",
    [
        ((0.0, 0.0, 1.0), (0.0, 0.0, -1.0)),
        ((0.0, 0.0, 1.0), (2.0, 0.0, 1.0), (1.0, 0.0, -1.0)),
        ((0.0, 0.0, 1.0), (2.0, 2.0, 1.0), (2.0, 0.0, -1.0), (0.0, 2.0, -1.0)),
        ((0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (0.0, 1.0, 1.0), (0.3, 0.3, -1.0)),
    ],
)
@pytest.mark.parametrize("b", [-1.0, 0.0, 2.5])
def test_classes_that_no_line_separates_have_no_weight_no_b_and_a_sentence(points, b):
    given = {"points": points, "b": b}
    assert SVM.feasible(given).is_empty
    assert SVM.find_minima(given) == ()
    assert best_b(given) is None
    assert SVM.note(given).startswith("No line separates the two classes")
    with pytest.raises(ValueError, match=r"^No line separates the two classes, so no b is best"):
        SVM.actions[0].change(given)


def test_a_point_at_the_origin_allows_all_weights_or_none():
    points = ((0.0, 0.0, -1.0), (2.0, 0.0, 1.0))
    assert SVM.find_minima({"points": points, "b": 1.0}) == ((1.0, 0.0),)
    assert SVM.find_minima({"points": points, "b": 0.9}) == ()
    assert best_b({"points": points}) == pytest.approx(1.0)
    assert SVM.note({"points": points, "b": 0.9}) == (
        "No w keeps every point out of the margin with b = 0.9. Choose another b."
    )


def test_the_action_gives_parameters_that_the_config_takes():
    config = SurfaceConfig(name="SVM")
    (action,) = SVM.actions
    changed = SurfaceConfig.parse({"name": "SVM", **config.values, **action.change(config.values)})
    assert changed.values == {**config.values, "b": best_b(config.values)}
    assert action.label
    assert action.help


def test_the_feasible_set_is_where_every_margin_is_kept():
    points = torch.rand(2000, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 8 - 2
    u, label = np.array(POINTS)[:, :2], np.array(POINTS)[:, 2]
    kept = (label * (points.numpy() @ u.T - SVM.defaults["b"]) >= 1).all(axis=1)
    assert 0.05 < kept.mean() < 0.95
    np.testing.assert_array_equal(SVM.feasible(SVM.defaults).contains(points).numpy(), kept)


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([], "points: expected 1 to 100 points, got 0"),
        ([[0, 0, 1], [1, 1, 1]], "points: expected points of both labels, -1 and 1, got only 1"),
        ([[0, 0, -1]], "points: expected points of both labels, -1 and 1, got only -1"),
        ([[0, 0, 1], [1, 1, 2]], "points: expected -1 or 1 as label, the last number of each point, got 2"),
    ],
)
def test_refused_data_are_explained_in_one_sentence(points, sentence):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        SurfaceConfig.parse({"name": "SVM", "points": points})
    assert str(refused.value) == sentence


def test_projected_descent_from_the_suggested_start_ends_at_the_shortest_weight():
    racer = {"optimizer": {"name": "SGD", "lr": 0.1}}
    engine = DescentEngine(DescentConfig.parse({"surface": "SVM", "steps": 300, "racers": [racer]}))
    while not engine.done:
        engine.step()
    np.testing.assert_allclose(engine.frame().heads, SVM.find_minima(SVM.defaults), atol=1e-9)
