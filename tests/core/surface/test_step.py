"""A step read from a frame: the numbers of the race, and a moment that nobody wrote down."""

import numpy as np
import pytest
import torch

from optgui.core.surface import DescentConfig, DescentEngine
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
