"""Regressions: values and minima against scipy and lstsq, summands, and data that are bad."""

import math

import numpy as np
import pytest
import torch
from scipy import optimize

from optgui.core.curvature import derivatives
from optgui.core.surface import SURFACES, DescentConfig, DescentEngine, SurfaceConfig
from optgui.core.surface.data import REGRESSIONS

LINE, CLASSES = SURFACES["LinearRegression"], SURFACES["LogisticRegression"]
SEPARABLE = ((1.0, 2.0, 1.0), (2.0, 0.5, 1.0), (-1.0, -1.5, -1.0), (-2.0, 1.0, -1.0))
WEIGHTS = torch.tensor([[0.3, -1.2], [2.0, 0.7], [-3.0, 4.0]], dtype=torch.float64)


def values(surface, **changed):
    return {**surface.defaults, **changed}


def tall(points, seed=0):
    """The same kind of data, many and at random: (n, 2) or (n, 3)."""
    rng = np.random.default_rng(seed)
    data = rng.normal(1.0, 3.0, (points, 3))
    return tuple((float(u), float(v), float(np.sign(s - 1))) for u, v, s in data)


# --- summands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", [pytest.param(entry, id=entry.name) for entry in REGRESSIONS])
def test_all_terms_add_up_to_the_function_and_their_gradients_to_its_gradient(surface):
    given = surface.defaults
    everything = torch.arange(surface.count(given))
    w = WEIGHTS.clone().requires_grad_()
    terms = surface.terms(w, given, everything)
    assert terms.shape == (len(WEIGHTS), surface.count(given))
    torch.testing.assert_close(terms.sum(-1), surface(w, given), rtol=1e-13, atol=1e-12)
    (sums,) = torch.autograd.grad(terms.sum(), w)
    (whole,) = torch.autograd.grad(surface(w, given).sum(), w)
    torch.testing.assert_close(sums, whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("surface", [pytest.param(entry, id=entry.name) for entry in REGRESSIONS])
def test_chosen_terms_are_those_of_the_chosen_points_and_a_batch_is_right_on_average(surface):
    given = surface.defaults
    n = surface.count(given)
    everything = surface.terms(WEIGHTS, given, torch.arange(n))
    chosen = torch.tensor([4, 0, 4])
    assert torch.equal(surface.terms(WEIGHTS, given, chosen), everything[:, chosen])
    assert torch.equal(surface.terms(WEIGHTS[0], given, chosen), everything[0, chosen])
    estimates = torch.stack(
        [surface.terms(WEIGHTS, given, torch.tensor([k])).sum(-1) * n for k in range(n)]
    )  # count / k times the sum of a batch of k = 1
    torch.testing.assert_close(estimates.mean(0), surface(WEIGHTS, given), rtol=1e-13, atol=1e-12)
    assert surface.terms(WEIGHTS.float(), given, chosen).dtype == torch.float32


@pytest.mark.parametrize("surface", [pytest.param(entry, id=entry.name) for entry in REGRESSIONS])
def test_any_number_of_points_gives_a_batch_equal_to_its_points_bit_for_bit(surface):
    width = 2 if surface is LINE else 3
    for n in (1, 2, 5, 31, 100):
        given = values(surface, points=tuple(point[:width] for point in tall(n)))
        batch = surface(WEIGHTS, given)
        assert torch.equal(batch, torch.stack([surface(w, given) for w in WEIGHTS]))
        terms = surface.terms(WEIGHTS, given, torch.arange(n)).sum(-1)
        torch.testing.assert_close(batch, terms, rtol=1e-12, atol=1e-12)


# --- linear regression -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 8, 200])
def test_the_fitted_line_is_scipys_and_the_value_there_the_least_sum_of_squares(n):
    points = tuple((u, v) for u, v, _ in tall(n, seed=n))
    u, v = np.array(points).T
    ((w, b),) = LINE.find_minima({"points": points})
    design = np.stack([u, np.ones(n)], axis=1)
    np.testing.assert_allclose([w, b], optimize.lsq_linear(design, v, tol=1e-14).x, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose([w, b], np.polyfit(u, v, 1), rtol=1e-10, atol=1e-10)
    value = LINE(torch.tensor([w, b], dtype=torch.float64), {"points": points}).item()
    assert value == pytest.approx(((w * u + b - v) ** 2).sum(), rel=1e-10, abs=1e-20)


def test_the_hessian_is_twice_the_gram_matrix():
    u = np.array(LINE.defaults["points"])[:, 0]
    design = np.stack([u, np.ones_like(u)], axis=1)
    found = derivatives(LINE, WEIGHTS.numpy()).hessians
    np.testing.assert_allclose(found, np.broadcast_to(2 * design.T @ design, found.shape), rtol=1e-12)


@pytest.mark.parametrize(
    "points",
    [
        ((1.0, 2.0),),
        ((0.0, 0.0),),
        ((1.0, 2.0), (1.0, 2.0)),
        ((3.0, 1.0), (3.0, 2.0), (3.0, 7.0)),
        ((0.1, 1.0), (0.1, 2.0), (0.1, 7.0), (0.1, -1.0)),
    ],
)
def test_points_of_one_u_leave_a_line_of_minima_and_a_sentence(points):
    config = SurfaceConfig.parse({"name": "LinearRegression", "points": points})
    assert LINE.find_minima(config.values) == ()
    assert LINE.note(config.values).startswith("All points have the same u")
    eigenvalues = np.linalg.eigvalsh(derivatives(config.evaluate, [[0.5, -1.0]]).hessians[0])
    assert abs(eigenvalues[0]) < 1e-12 * eigenvalues[1]
    u, v = np.array(points).T
    expected = [((w * u + b - v) ** 2).sum() for w, b in WEIGHTS.numpy()]
    np.testing.assert_allclose(config.evaluate(WEIGHTS).numpy(), expected, rtol=1e-12)


def test_points_on_one_line_are_fitted_without_an_error():
    given = {"points": ((0.0, 1.0), (1.0, 3.0), (1.0, 3.0), (4.0, 9.0))}
    np.testing.assert_allclose(LINE.find_minima(given), [(2.0, 1.0)], rtol=1e-12)
    assert LINE.note(given) == ""
    assert LINE(torch.tensor([2.0, 1.0], dtype=torch.float64), given).item() == pytest.approx(0, abs=1e-20)


# --- logistic regression ---------------------------------------------------------------------------------


def loss_and_slope(w, points, lam):
    """The loss and its gradient, written out."""
    data = np.array(points)
    rows = data[:, :2] * data[:, 2:]
    loss = np.logaddexp(0, -rows @ w).sum() + lam / 2 * w @ w
    return loss, lam * w - rows.T @ (1 / (1 + np.exp(np.clip(rows @ w, -700, 700))))


@pytest.mark.parametrize("lam", [1e-6, 1e-3, 0.1, 5.0, 1e4])
@pytest.mark.parametrize(
    "points", [CLASSES.defaults["points"], SEPARABLE, SEPARABLE[:1], tall(60), tall(5, seed=2)]
)
def test_the_minimum_is_stationary_and_scipys(points, lam):
    ((w1, w2),) = CLASSES.find_minima({"points": points, "lam": lam})
    w = np.array([w1, w2])
    loss, slope = loss_and_slope(w, points, lam)
    assert np.abs(slope).max() < 1e-10 * max(1, len(points))
    found = optimize.minimize(
        loss_and_slope, np.zeros(2), args=(points, lam), jac=True, tol=1e-12, options={"maxiter": 2000}
    )
    assert loss <= found.fun + 1e-12
    np.testing.assert_allclose(w, found.x, rtol=2e-2 if lam < 1e-4 else 1e-4, atol=1e-5)
    assert CLASSES.note({"points": points, "lam": lam}) == ""


def test_without_lambda_there_is_a_minimum_only_for_classes_that_no_line_separates():
    ((w1, w2),) = CLASSES.find_minima(values(CLASSES, lam=0.0))
    assert np.abs(loss_and_slope(np.array([w1, w2]), CLASSES.defaults["points"], 0.0)[1]).max() < 1e-12
    assert CLASSES.note(values(CLASSES, lam=0.0)) == ""
    for points in (
        SEPARABLE,
        SEPARABLE[:1],
        ((0.0, 0.0, 1.0),),
        ((1.0, 0.0, 1.0), (1.0, 0.0, -1.0)),  # a line of minima
        ((1.0, 0.0, 1.0), (1.0, 0.0, -1.0), (0.0, 1.0, 1.0)),
    ):
        assert CLASSES.find_minima({"points": points, "lam": 0.0}) == ()
        assert CLASSES.note({"points": points, "lam": 0.0}).startswith("No single minimum: λ is 0")


def test_whether_a_line_separates_agrees_with_scipys_linear_program():
    rng = np.random.default_rng(5)
    outcomes = set()
    for _ in range(60):
        points = tuple((u, v, float(rng.choice([-1, 1]))) for u, v in rng.normal(size=(4, 2)))
        rows = np.array(points)[:, :2] * np.array(points)[:, 2:]
        separable = optimize.linprog([0, 0], -rows, -np.ones(4), bounds=[(None, None)] * 2).status == 0
        assert (CLASSES.find_minima({"points": points, "lam": 0.0}) == ()) == separable
        outcomes.add(separable)
    assert outcomes == {True, False}


def test_far_points_and_long_weights_give_finite_values_and_slopes():
    given = {"points": ((1e6, 1e6, 1.0), (-1e6, 3.0, 1.0)), "lam": 0.0}
    w = torch.tensor([[1e6, 1e6], [-1e6, -1e6], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    loss = CLASSES(w, given)
    np.testing.assert_allclose(loss.detach().numpy(), [1e12 - 3e6, 2e12, 2 * math.log(2)], rtol=1e-6)
    assert torch.autograd.grad(loss.sum(), w)[0].isfinite().all()
    assert CLASSES.find_minima(given) == ()


def test_small_losses_keep_all_their_digits():
    w = torch.tensor([30.0, 0.0], dtype=torch.float64)
    loss = CLASSES(w, {"points": ((1.0, 0.0, 1.0),), "lam": 0.0}).item()
    assert loss == pytest.approx(math.log1p(math.exp(-30)), rel=1e-14)


# --- entries ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "LinearRegression", "points": []}, "points: expected 1 to 100 points, got 0"),
        (
            {"name": "LinearRegression", "points": [[0, k] for k in range(101)]},
            "points: expected 1 to 100 points, got 101",
        ),
        (
            {"name": "LinearRegression", "points": [[0, 1, 1]]},
            "points.0: expected a list of points of 2 numbers each from -1000000 to 1000000, got [0, 1, 1]",
        ),
        ({"name": "LogisticRegression", "points": []}, "points: expected 1 to 100 points, got 0"),
        (
            {"name": "LogisticRegression", "points": [[0, 1, 1], [2, 3, 0]]},
            "points: expected -1 or 1 as label, the last number of each point, got 0",
        ),
        ({"name": "LogisticRegression", "lam": -1}, "lam: expected a number from 0 to 1000000, got -1"),
    ],
)
def test_refused_data_are_explained_in_one_sentence(data, sentence):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        SurfaceConfig.parse(data)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(("name", "lr"), [("LinearRegression", 0.01), ("LogisticRegression", 0.3)])
def test_descent_from_the_suggested_start_ends_at_the_minimum(name, lr):
    racer = {"optimizer": {"name": "SGD", "lr": lr}}
    engine = DescentEngine(DescentConfig.parse({"surface": name, "steps": 1000, "racers": [racer]}))
    while not engine.done:
        engine.step()
    surface = SURFACES[name]
    np.testing.assert_allclose(engine.frame().heads[0], surface.find_minima(surface.defaults)[0], atol=1e-6)
