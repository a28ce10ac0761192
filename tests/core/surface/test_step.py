"""A step read from a frame: the numbers of the race, and a moment that nobody wrote down."""

import re

import numpy as np
import pytest
import torch

from optgui.core.surface import DescentConfig, DescentEngine, DescentOptimizer
from optgui.core.surface.rules.words import shown
from optgui.core.surface.step import step_of, written_step


def run(*optimizers, steps=5, **rest):
    engine = DescentEngine(
        DescentConfig.parse({"steps": steps, "racers": [{"optimizer": one} for one in optimizers], **rest})
    )
    while not engine.done:
        engine.step()
    return engine.frame()


def test_numbers_are_those_of_the_frame():
    frame = run({"name": "SGD", "lr": 0.001}, {"name": "Adam", "lr": 0.05})
    step = step_of(frame, 1, 3)
    assert (step.number, step.lr) == (3, 0.05)
    assert np.array_equal(step.x, frame.paths[1, 2])
    assert np.array_equal(step.gradient, frame.given[1, 2])
    assert np.array_equal(step.led_to, frame.paths[1, 3])


def test_moments_are_those_of_torch():
    frame = run({"name": "Adam", "lr": 0.05})
    point = torch.nn.Parameter(torch.tensor(frame.config.start, dtype=torch.float64))
    optimizer = torch.optim.Adam([point], lr=0.05)
    seen = [(np.zeros(2), np.zeros(2))]
    for _ in range(5):
        optimizer.zero_grad()
        frame.config.surface.evaluate(point).backward()
        optimizer.step()
        state = optimizer.state[point]
        seen.append((state["exp_avg"].numpy().copy(), state["exp_avg_sq"].numpy().copy()))
    for k in range(1, 6):
        step = step_of(frame, 0, k)
        np.testing.assert_allclose(step.momentum_before, seen[k - 1][0], rtol=1e-12)
        np.testing.assert_allclose(step.momentum_after, seen[k][0], rtol=1e-12)
        np.testing.assert_allclose(step.second_before, seen[k - 1][1], rtol=1e-12)
        np.testing.assert_allclose(step.second_after, seen[k][1], rtol=1e-12)


def test_a_rule_without_moments_has_none():
    step = step_of(run({"name": "SGD", "lr": 0.001}), 0, 1)
    assert (step.momentum_before, step.momentum_after) == (None, None)
    assert (step.second_before, step.second_after) == (None, None)


def test_a_projected_step_led_to_where_it_was_before_the_projection():
    frame = run(
        {"name": "SGD", "lr": 0.01},
        surface={"name": "Booth"},
        start=[1.0, 0.0],
        constraint={"name": "Ball", "radius": 1.0},
        steps=1,
    )
    step = step_of(frame, 0, 1)
    np.testing.assert_allclose(step.led_to, step.x - 0.01 * step.gradient)
    assert not np.allclose(step.led_to, frame.paths[0, 1])


def test_the_last_line_leads_to_the_next_point():
    frame = run({"name": "SGD", "lr": 0.001})
    (line,) = written_step(frame, 0, 1)
    x, y = frame.paths[0, 1]
    assert line.numbers.endswith(f"= ({x:.4g}, {y:.4g})".replace("-", "−"))


@pytest.mark.parametrize("k", [0, 6])
def test_a_step_that_is_not_there_is_refused(k):
    with pytest.raises(ValueError, match="expected one from 1 to 5"):
        step_of(run({"name": "SGD", "lr": 0.001}), 0, k)


def test_a_diverged_racer_has_no_further_steps():
    frame = run({"name": "SGD", "lr": 1.0}, {"name": "SGD", "lr": 0.001}, steps=30)
    stop = frame.diverged[0]
    assert step_of(frame, 0, stop - 1).number == stop - 1
    with pytest.raises(ValueError, match="diverged"):
        step_of(frame, 0, stop)


OFFERED = [name for name in DescentOptimizer.registry if not DescentOptimizer.refusal(name)]
QUIET, NOISY = {"name": "None"}, {"name": "Gaussian", "sigma": 0.5}


@pytest.mark.parametrize("name", OFFERED)
@pytest.mark.parametrize("noise", [QUIET, NOISY], ids=["quiet", "noisy"])
def test_the_step_of_a_function_of_x_alone_speaks_of_x_alone(name, noise):
    racer = {"optimizer": {"name": name, "lr": 0.05}, "scheduler": {"name": "StepLR", "step_size": 2}}
    config = {"surface": "DoubleWell", "noise": noise, "racers": [racer], "steps": 6}
    engine = DescentEngine(DescentConfig.parse(config))
    while not engine.done:
        engine.step()
    frame = engine.frame()
    for step in range(1, 7):
        lines = written_step(frame, 0, step)
        assert shown(frame.raw[0, step, 0]) in lines[-1].numbers
        assert not any("–" in line.numbers or re.search(r"\([−\d.e]+, ", line.numbers) for line in lines)


def test_asgd_under_a_schedule_uses_the_rate_it_really_used():
    racer = {"optimizer": {"name": "ASGD", "lr": 0.05}, "scheduler": {"name": "StepLR", "step_size": 2}}
    config = {"surface": "Quadratic", "racers": [racer], "steps": 8}
    engine = DescentEngine(DescentConfig.parse(config))
    while not engine.done:
        engine.step()
    frame = engine.frame()
    for step in range(1, 9):
        x, g, led_to = frame.paths[0, step - 1], frame.given[0, step - 1], frame.raw[0, step]
        eta = float(written_step(frame, 0, step)[-1].numbers.split(" − ")[1].split(" · ")[0])
        np.testing.assert_allclose(x * (1 - 1e-4 * eta) - eta * g, led_to, rtol=2e-3, atol=2e-4)
