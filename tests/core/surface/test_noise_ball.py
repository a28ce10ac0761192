"""The predicted ball is where a long simulation stays."""

import numpy as np
import pytest

from optgui.core.surface import DescentConfig, DescentEngine
from optgui.core.surface.noise_ball import ball_of, batch_noise, measured_ball, predicted_ball
from optgui.core.surface.rates import Form, Update

HESSIAN = np.array([[3.0, 1.0], [1.0, 2.0]])
NOISE = np.array([[0.5, 0.2], [0.2, 0.3]])
CENTRE = np.zeros(2)
UPDATES = {
    "plain": Update(),
    "heavy ball": Update(0.8),
    "nesterov": Update(0.8, Form.NESTEROV),
    "average": Update(0.9, Form.AVERAGE),
    "decay": Update(0.5, weight_decay=0.7),
}


def simulated(lr, update, steps=40_000, walkers=50):
    random = np.random.default_rng(0)
    root = np.linalg.cholesky(NOISE)
    x, v, covariances = np.zeros((walkers, 2)), np.zeros((walkers, 2)), []
    for step in range(steps // walkers * 10):
        gradient = x @ HESSIAN + random.standard_normal((walkers, 2)) @ root.T + update.weight_decay * x
        v = update.beta * v + update.weight * gradient
        x = x - lr * (gradient + update.beta * v if update.form is Form.NESTEROV else v)
        if step > 400:
            covariances.append(x.T @ x / walkers)
    return np.mean(covariances, 0)


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
def test_the_predicted_ball_is_that_of_a_simulation(update):
    ball = predicted_ball(0.1, HESSIAN, NOISE, update, CENTRE)
    np.testing.assert_allclose(ball.covariance, simulated(0.1, update), rtol=0.08, atol=2e-3)


def test_for_plain_descent_it_is_the_textbooks_formula():
    lr, (low, high) = 0.2, (1.0, 4.0)
    ball = predicted_ball(lr, np.diag([low, high]), 0.09 * np.eye(2), Update(), CENTRE)
    variances = [lr * 0.09 / (eigenvalue * (2 - lr * eigenvalue)) for eigenvalue in (low, high)]
    np.testing.assert_allclose(np.diag(ball.covariance), variances, rtol=1e-12)
    np.testing.assert_allclose(ball.deviations, np.sqrt(variances), rtol=1e-12)
    assert ball.angle % 180 == pytest.approx(0)


@pytest.mark.parametrize("hessian", [np.diag([1.0, 30.0]), np.diag([1.0, -1.0]), np.diag([1.0, 0.0])])
def test_there_is_no_ball_where_no_rate_settles(hessian):
    assert predicted_ball(0.1, hessian, NOISE, Update(), CENTRE) is None


def test_the_measured_ball_looks_at_the_second_half_of_the_path():
    random = np.random.default_rng(1)
    late = random.multivariate_normal([2.0, -1.0], NOISE, 20_000)
    path = np.concatenate([np.full((20_000, 2), 50.0), late])
    ball = measured_ball(path)
    np.testing.assert_allclose(ball.centre, [2, -1], atol=0.02)
    np.testing.assert_allclose(ball.covariance, NOISE, atol=0.02)


def test_batch_noise_is_the_covariance_of_drawn_estimates():
    terms = np.random.default_rng(2).normal(size=(6, 2))
    predicted = batch_noise(lambda chosen: terms[chosen].sum(0), 6, 2)
    drawn = np.random.default_rng(3).integers(0, 6, (200_000, 2))
    estimates = 6 / 2 * terms[drawn].sum(1)
    np.testing.assert_allclose(predicted, np.cov(estimates.T), rtol=0.03, atol=0.03)


@pytest.mark.parametrize(
    "settings",
    [
        {"surface": {"name": "Quadratic", "condition": 5}, "noise": {"name": "Gaussian", "sigma": 0.5}},
        {"surface": {"name": "LogisticRegression"}, "noise": {"name": "MiniBatch", "batch_size": 2}},
    ],
    ids=["gaussian", "batches"],
)
def test_a_race_stays_in_the_ball_predicted_for_it(settings):
    lr = 0.02
    config = DescentConfig.parse({**settings, "racers": [{"optimizer": {"name": "SGD", "lr": lr}}]})
    config = config.changed("start", list(config.surface.minima[0])).changed("steps", 25_000)
    engine = DescentEngine(config)
    while not engine.done:
        engine.step()
    path = engine.frame().paths[0]
    predicted, measured = ball_of(config, 0, path[-1], lr), measured_ball(path)
    np.testing.assert_allclose(measured.deviations, predicted.deviations, rtol=0.25)


def test_without_noise_or_for_other_optimizers_there_is_no_prediction():
    adam = {"racers": [{"optimizer": {"name": "Adam"}}], "noise": {"name": "Gaussian"}}
    batches = {"noise": {"name": "MiniBatch"}}  # of a function without data
    for settings in ({}, adam, batches):
        assert ball_of(DescentConfig.parse(settings), 0, (0, 0), 0.001) is None
