"""Basins: labels and arrivals of single starts by torch.optim, levels, feasible sets, cancel."""

import numpy as np
import pytest
import torch

from optgui.core.engine import RunFailed, build
from optgui.core.surface import SURFACES, SurfaceConfig
from optgui.core.surface.maps import BasinsConfig, BasinsEngine
from optgui.core.surface.maps.basins import DIVERGED, HOLD, NOT_ARRIVED, UNDEFINED
from optgui.core.surface.maps.minima import find_minima


def finish(engine):
    frames = [engine.frame()]
    while not engine.done:
        engine.step()
        if engine.frame().level > frames[-1].level:
            frames.append(engine.frame())
    return frames


def basins(**settings):
    return BasinsEngine(BasinsConfig.parse({"side": 48, "steps": 300, **settings}))


def plain_path(optimizer, surface, start, steps):
    values = dict(optimizer)
    point = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    moved = getattr(torch.optim, values.pop("name"))([point], **values)
    path = [point.detach().numpy().copy()]
    for _ in range(steps):
        moved.zero_grad()
        SURFACES[surface](point).backward()
        moved.step()
        path.append(point.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize(
    "optimizer",
    [
        {"name": "SGD", "lr": 0.01},
        {"name": "SGD", "lr": 0.005, "momentum": 0.9},
        {"name": "Adam", "lr": 0.1},
    ],
    ids=["SGD", "momentum", "Adam"],
)
def test_starts_on_himmelblau_arrive_where_and_when_a_loop_with_torch_does(optimizer):
    frame = finish(basins(racer={"optimizer": optimizer}))[-1]
    known = np.array(SURFACES["Himmelblau"].minima)
    np.testing.assert_allclose(frame.minima, known, atol=1e-9)
    radius = 1e-3 * np.hypot(10, 10)
    sample = np.random.default_rng(0).integers(0, 48, (12, 2))
    for row, column in sample:
        start = (frame.xs[column], frame.ys[row])
        path = plain_path(optimizer, "Himmelblau", start, 300 + 2 * HOLD)
        inside = np.hypot(*(path[:, None] - known).transpose(2, 0, 1)) <= radius
        label, arrival = NOT_ARRIVED, np.nan
        if inside[-1].any():
            label = int(inside[-1].argmax())
            outside = np.flatnonzero(~inside[:, label])
            arrival = outside[-1] + 1 if outside.size else 0
        assert frame.labels[row, column] == label
        np.testing.assert_equal(float(frame.arrival[row, column]), float(arrival))


def test_coarse_pictures_are_parts_of_the_fine_one():
    frames = finish(basins(racer={"optimizer": {"name": "SGD", "lr": 0.01}}))
    assert [frame.level for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert [frame.labels.shape for frame in frames[1:]] == [(3, 3), (6, 6), (12, 12), (24, 24), (48, 48)]
    fine = frames[-1]
    for frame in frames[1:-1]:
        columns = np.searchsorted(fine.xs, frame.xs)
        rows = np.searchsorted(fine.ys, frame.ys)
        np.testing.assert_array_equal(fine.xs[columns], frame.xs)
        np.testing.assert_array_equal(fine.labels[np.ix_(rows, columns)], frame.labels)
        np.testing.assert_array_equal(fine.arrival[np.ix_(rows, columns)], frame.arrival)
        width = 10 / len(frame.xs)
        centres = -5 + (np.arange(len(frame.xs)) + 0.5) * width
        assert (np.abs(frame.xs - centres) < width / 2).all()


def test_starts_that_only_pass_through_have_not_arrived_yet():
    swinging = {"optimizer": {"name": "SGD", "lr": 0.1, "momentum": 0.99}}
    frame = finish(basins(surface="Quadratic", racer=swinging, domain=[[-3, 3], [-3, 3]], steps=60))[-1]
    assert (frame.labels == NOT_ARRIVED).all()
    assert np.isnan(frame.arrival).all()
    frame = finish(basins(surface="Quadratic", racer=swinging, domain=[[-3, 3], [-3, 3]], steps=4000))[-1]
    assert (frame.labels == 0).all()


def test_a_start_at_a_minimum_arrives_at_once_and_wild_ones_diverge():
    domain = [[2.9, 3.1], [1.9, 2.1]]
    frame = finish(basins(racer={"optimizer": {"name": "SGD", "lr": 0.01}}, domain=domain))[-1]
    assert (frame.labels == 0).all()
    middle = frame.arrival[23:25, 23:25]
    assert (middle == 0).all()
    assert frame.arrival.max() > 0
    frame = finish(basins(racer={"optimizer": {"name": "SGD", "lr": 10.0}}))[-1]
    assert (frame.labels == DIVERGED).mean() > 0.9


def test_local_minima_that_nobody_wrote_down_are_found():
    frame = finish(basins(surface="Rastrigin", racer={"optimizer": {"name": "SGD", "lr": 0.001}}))[-1]
    assert len(frame.minima) >= 100
    np.testing.assert_array_equal(frame.minima[0], [0, 0])
    assert (frame.labels >= 0).mean() > 0.8
    rows, columns = np.nonzero(frame.labels >= 0)
    starts = np.stack([frame.xs[columns], frame.ys[rows]], 1)
    reached = frame.minima[frame.labels[rows, columns]]
    assert (np.hypot(*(starts - reached).T) < 2).all()


def minima_of(surface, feasible=None):
    search = find_minima(surface, surface.entry.domain, feasible)
    while True:
        try:
            next(search)
        except StopIteration as end:
            return end.value


def test_a_typed_formula_has_its_minima_found():
    surface = SurfaceConfig.parse({"name": "Formula", "text": "(x**2 - 1)**2 + (y - 2)**2"})
    found = minima_of(surface).points
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], [[-1, 2], [1, 2]], atol=1e-8)


def test_a_valley_is_reached_along_its_whole_length_and_a_bend_is_no_minimum():
    surface = {"name": "Formula", "text": "(x + y)**2"}
    frame = finish(basins(surface=surface, racer={"optimizer": {"name": "SGD", "lr": 0.05}}))[-1]
    np.testing.assert_allclose(frame.minima.sum(1), 0, atol=1e-8)
    assert (frame.labels >= 0).all()
    inflection = SurfaceConfig.parse({"name": "Formula", "text": "x**2 + y**3"})
    assert len(minima_of(inflection).points) == 0


def test_minima_of_a_feasible_set_lie_on_its_border():
    constraint = {"name": "Box", "low": [-1, -1], "high": [1, 1]}
    frame = finish(basins(constraint=constraint, racer={"optimizer": {"name": "SGD", "lr": 0.01}}))[-1]
    corners = {tuple(point) for point in frame.minima.round(6).tolist()}
    assert corners == {(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)}
    assert (frame.labels >= 0).all()


def test_a_function_of_x_has_one_row():
    racer = {"optimizer": {"name": "SGD", "lr": 0.05}}
    frame = finish(basins(surface="DoubleWell", racer=racer, domain=[[-2, 2], [-1, 1]]))[-1]
    assert frame.labels.shape == (1, 48)
    assert set(frame.labels.ravel()) == {0, 1}
    ends = frame.minima[frame.labels[0], 0]
    assert (np.diff(ends) >= 0).all()


@pytest.mark.parametrize("steps", [0, 5, 60, 300])
def test_stopped_at_any_time_the_picture_is_the_last_complete_level(steps):
    engine = basins(racer={"optimizer": {"name": "Adam", "lr": 0.1}})
    for _ in range(steps):
        engine.step()
    frame = engine.frame()
    assert frame.labels.shape == frame.arrival.shape == (len(frame.ys), len(frame.xs))
    kept = frame.labels.copy()
    whole = finish(basins(racer={"optimizer": {"name": "Adam", "lr": 0.1}}))
    np.testing.assert_array_equal(frame.labels, whole[frame.level].labels)
    finish(engine)
    np.testing.assert_array_equal(frame.labels, kept)
    with pytest.raises(ValueError, match="read-only"):
        frame.labels[...] = 0


def test_status_counts_starts_and_a_finished_map_does_not_step():
    engine = build("basins", BasinsConfig.parse({"side": 16, "steps": 20}))
    assert engine.status().total == 256
    counts = []
    while not engine.done:
        counts.append(engine.step().done)
    assert counts == sorted(counts)
    assert engine.status() == (256, 256, "starts", "")
    with pytest.raises(RunFailed, match="not complete"):
        engine.step()
    engine.apply(engine.config.changed("steps", 30))
    assert not engine.done
    with pytest.raises(ValueError, match="request"):
        engine.answer("hello")


def test_an_edited_map_is_the_map_of_the_new_settings():
    engine = build("basins", BasinsConfig.parse({"side": 16, "steps": 20}))
    engine.step()
    engine.apply(engine.config.changed("steps", 30))
    fresh = build("basins", engine.config)
    for job in (engine, fresh):
        while not job.done:
            job.step()
    assert engine.status() == fresh.status()
    np.testing.assert_array_equal(engine.frame().labels, fresh.frame().labels)


def test_what_torch_refuses_is_refused_in_its_words_and_changes_nothing():
    with pytest.raises(ValueError, match=r"racer\.optimizer: Nesterov momentum requires a momentum"):
        basins(racer={"optimizer": {"name": "SGD", "lr": 0.1, "nesterov": True}})
    engine = basins()
    config = engine.config
    with pytest.raises(ValueError, match="Nesterov"):
        engine.apply(config.changed("racer.optimizer.nesterov", True))
    assert engine.config is config


@pytest.mark.parametrize("name", SURFACES)
def test_every_surface_has_a_map(name):
    surface = SURFACES[name]
    racer = {"optimizer": {"name": "Adam", "lr": 0.05}}
    frame = finish(basins(surface=name, racer=racer, domain=surface.domain, side=16, steps=400))[-1]
    assert frame.level == 5
    known = SurfaceConfig(name=name).minima
    for place, point in enumerate(known):
        np.testing.assert_allclose(frame.minima[place], point, atol=1e-6)
    if known and not surface.kinks:
        assert (frame.labels >= 0).any()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"side": 100}, "side: expected a multiple of 16, got 100"),
        ({"domain": [[1, 1], [0, 2]]}, "domain: expected each lower end below its upper end"),
        (
            {"racer": {"optimizer": {"name": "LBFGS"}}},
            "racer: expected an optimizer that moves many starts at once, got LBFGS",
        ),
        ({"steps": 0}, "steps: expected a whole number from 1 to 100000"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        BasinsConfig.parse(settings)


def test_a_start_where_the_function_has_no_value_is_not_one_that_diverged():
    frame = finish(basins(surface={"name": "Formula", "text": "sqrt(x - 1) + (x - 3)**2 + y**2"}))[-1]
    np.testing.assert_array_equal(
        frame.labels == UNDEFINED, np.broadcast_to(frame.xs < 1, frame.labels.shape)
    )
    assert not np.isfinite(frame.arrival[frame.labels == UNDEFINED]).any()
