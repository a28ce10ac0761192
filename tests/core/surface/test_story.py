"""The story: every chapter is a race, and what its text says is true of that race."""

import functools
import re

import numpy as np
import pytest

from optgui.core.surface import DescentConfig, DescentEngine
from optgui.core.surface.story import STORY

CHAPTERS = {chapter.name: chapter for chapter in STORY}


@functools.cache
def race(name):
    engine = DescentEngine(DescentConfig.parse(CHAPTERS[name].config))
    while not engine.done:
        engine.step()
    return engine.frame()


def eigenvalues(name):
    config = DescentConfig.parse(CHAPTERS[name].config)
    return config.surface.curvature(0.0, 0.0).eigenvalues


def distances(frame, centre=(0.0, 0.0)):
    """From a point, (racers, steps + 1)."""
    return np.hypot(*np.moveaxis(frame.paths - np.array(centre), 2, 0))


def lengths(frame):
    """Of each step, (racers, steps)."""
    return np.hypot(*np.moveaxis(np.diff(frame.paths, axis=1), 2, 0))


def first_below(losses, level):
    found = np.flatnonzero(losses < level)
    return int(found[0]) if len(found) else None


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_chapter_is_a_whole_race_in_two_sentences(name):
    chapter = CHAPTERS[name]
    frame = race(name)
    assert frame.step == frame.config.steps
    assert frame.ids == tuple(range(len(frame.config.racers)))
    assert len(re.findall(r"[.](?:\s|$)", chapter.text)) == 2
    assert chapter.title
    assert len(chapter.title) <= 29


def test_names_and_titles_are_unique():
    assert len(CHAPTERS) == len({chapter.title for chapter in STORY}) == len(STORY)


def test_too_small_always_falls_and_is_still_far_away():
    losses = race("too_small").losses[0]
    assert (np.diff(losses) < 0).all()
    assert distances(race("too_small"))[0, -1] > 0.5
    assert max(eigenvalues("too_small")) == pytest.approx(10)


def test_a_good_rate_is_near_the_best_one_and_home_after_40_steps():
    low, high = eigenvalues("good")
    frame = race("good")
    assert frame.lrs[0, 0] == pytest.approx(2 / (low + high), rel=0.02)
    assert distances(frame)[0, 40] < 0.01
    across = steep(frame)
    assert (np.sign(across[1:20]) == -np.sign(across[:19])).all()
    along = flat(frame)
    assert (np.sign(along[:20]) == np.sign(along[0])).all()


def steep(frame):
    """Coordinate of the first racer along the steep axis, which stands across an angle of 30 degrees."""
    return frame.paths[0] @ np.array([-0.5, np.sqrt(3) / 2])


def flat(frame):
    return frame.paths[0] @ np.array([np.sqrt(3) / 2, 0.5])


def test_too_large_jumps_from_side_to_side_and_still_converges():
    frame = race("too_large")
    across = steep(frame)
    assert (np.sign(across[1:]) == -np.sign(across[:-1])).all()
    assert 0.9 < abs(across[1] / across[0]) < 1
    assert frame.lrs[0, 0] < 2 / max(eigenvalues("too_large"))
    assert frame.losses[0, -1] < 0.001
    assert frame.losses[0, 40] > 100 * race("good").losses[0, 40]


def test_a_divergent_rate_jumps_farther_each_time_along_one_axis():
    frame = race("divergent")
    assert frame.lrs[0, 0] > 2 / max(eigenvalues("divergent"))
    assert (np.diff(np.abs(steep(frame))) > 0).all()
    assert abs(flat(frame)[-1]) < 1e-6
    assert frame.losses[0, -1] > 1e6


def test_one_rate_ends_one_axis_at_once_and_leaves_nine_tenths_of_the_other():
    path = race("two_curvatures").paths[0]
    assert path[0, 1] == 1.0
    assert abs(path[1:, 1]).max() < 1e-12
    np.testing.assert_allclose(path[1:, 0] / path[:-1, 0], 0.9, rtol=1e-12)


def test_momentum_finds_the_global_minimum_and_plain_descent_a_local_one():
    frame = race("local_minimum")
    (here,), (there,) = frame.surface.minima, frame.surface.local_minima
    assert frame.paths[0, -1, 0] == pytest.approx(there[0], abs=1e-3)
    assert frame.paths[1, -1, 0] == pytest.approx(here[0], abs=1e-3)
    assert here[0] < there[0]
    assert frame.losses[1, -1] < frame.losses[0, -1]


def test_the_ravine_is_long_without_momentum_and_short_with_it():
    config = DescentConfig.parse(CHAPTERS["ravine"].config)
    assert 2 / max(config.surface.curvature(0.0, 0.0).eigenvalues) == pytest.approx(0.02)
    assert distances(race("ravine"))[0, -1] > 1
    frame = race("momentum")
    far = distances(frame)
    assert frame.lrs[0, 0] == frame.lrs[1, 0]
    arrived = int(np.flatnonzero(far[1] > 0.05)[-1]) + 1
    assert arrived < 150
    assert far[0, arrived] > far[0, 0] / 2


def test_an_average_is_slower_and_the_same_path_at_ten_times_the_rate():
    frame = race("average")
    assert frame.losses[1, -1] > 1e6 * frame.losses[0, -1]
    np.testing.assert_allclose(frame.paths[2], frame.paths[0], atol=1e-12)


def test_adagrads_steps_halve_from_step_100_to_400_though_the_slope_does_not():
    frame = race("adagrad")
    steps = lengths(frame)[0]
    assert steps[-20:].mean() / steps[90:110].mean() == pytest.approx(0.5, abs=0.1)
    slopes = np.abs(frame.gradients[0].sum(1)) / np.sqrt(2)
    assert slopes[400] / slopes[100] > 0.85


def test_rmsprop_outruns_adagrad_and_never_rests():
    frame = race("rmsprop")
    adagrad, rmsprop = lengths(frame)
    assert rmsprop[100:150].mean() > 5 * adagrad[100:150].mean()
    far = distances(frame)
    assert far[1, -1] < 0.1 < far[0, -1]
    assert 0.25 * 0.02 < rmsprop[-50:].mean() < 4 * 0.02


def test_adam_leaves_the_saddle_and_plain_descent_creeps():
    frame = race("saddle")
    assert frame.config.start == (1.5, 1e-6)
    plain, adam = frame.paths[:, -1]
    assert abs(plain).max() < 0.01
    assert abs(adam[1]) > 5
    assert lengths(frame)[0, -1] < 1e-3


def test_newton_is_at_the_saddle_after_one_step_and_stays():
    frame = race("newton")
    assert abs(frame.paths[0, 1:]).max() < 1e-12
    assert frame.losses[1, -1] < -1


def test_a_tenth_of_the_rate_arrives_later_in_a_smaller_ball():
    frame = race("noise")
    far = distances(frame)
    arrived = [first_below(row, 0.5) for row in far]
    assert arrived[0] < arrived[1]
    large, small = np.sqrt((far[:, 500:] ** 2).mean(1))
    assert 2.4 < large / small < 4.5
    # lr σ² / (λ (2 − lr λ)) along each axis, for both rates
    theory = [sum(lr * 0.25 / (k * (2 - lr * k)) for k in (1, 10)) for lr in (0.15, 0.015)]
    assert np.sqrt(theory[0] / theory[1]) == pytest.approx(3.5, abs=0.3)
    assert lengths(frame)[:, -100:].min(1).max() > 0


def test_a_schedule_comes_down_as_fast_and_shrinks_its_ball():
    frame = race("schedule")
    arrived = [first_below(row, 1.0) for row in distances(frame)]
    assert abs(arrived[0] - arrived[1]) <= 2
    constant, scheduled = np.sqrt((distances(frame)[:, -50:] ** 2).mean(1))
    assert scheduled < constant / 10
    assert frame.lrs[0, 0] == frame.lrs[1, 0] == 0.15
    assert frame.lrs[1, 999] < 1e-5


def test_the_projected_racer_slides_along_the_rim_to_the_constrained_minimum():
    frame = race("projection")
    centre = np.array([-1.5, 1.0])
    away = distances(frame, centre)[0]
    assert away.max() < 1 + 1e-12
    np.testing.assert_allclose(away[2:], 1, atol=1e-12)
    end, gradient = frame.paths[0, -1], frame.gradients[0, -1]
    outward = end - centre
    assert -gradient @ outward == pytest.approx(np.linalg.norm(gradient), rel=1e-6)
    angles = np.linspace(0, 2 * np.pi, 100_001)
    rim = centre + np.stack([np.cos(angles), np.sin(angles)], 1)
    u = rim @ np.array([np.sqrt(3) / 2, 0.5])
    v = rim @ np.array([-0.5, np.sqrt(3) / 2])
    assert frame.losses[0, -1] == pytest.approx(((u**2 + 10 * v**2) / 2).min(), rel=1e-6)
