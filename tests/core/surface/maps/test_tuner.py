"""The tuner: the same for everyone, the same again, and kept when it is stopped."""

import numpy as np
import pytest

from optgui.core.engine import build
from optgui.core.surface import DescentConfig, DescentEngine
from optgui.core.surface.maps import TunerConfig, TunerEngine

RACE = DescentConfig.parse(
    {
        "surface": "Himmelblau",
        "start": [0.5, 1.0],
        "steps": 60,
        "noise": {"name": "Gaussian", "sigma": 3.0},
        "racers": [
            {"optimizer": {"name": "SGD"}},
            {"optimizer": {"name": "Adam"}},
            {"optimizer": {"name": "SGD", "momentum": 0.8}},
        ],
    }
)


def finish(engine):
    while not engine.done:
        engine.step()
    return engine.frame()


def tuner(**settings):
    return TunerEngine(TunerConfig.model_validate({"race": RACE, "rates": 7, "seeds": 4, **settings}))


@pytest.mark.parametrize("draw", ["grid", "random"])
def test_the_same_seed_gives_the_same_table_and_another_seed_another(draw):
    one, same, other = (finish(tuner(draw=draw, seed=seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.finals, same.finals)
    np.testing.assert_array_equal(one.lrs, same.lrs)
    assert one.rows == same.rows
    assert not np.array_equal(one.finals, other.finals)
    assert np.array_equal(one.lrs, other.lrs) == (draw == "grid")
    assert (np.diff(one.lrs) > 0).all()
    assert ((one.lrs >= 1e-4 * (1 - 1e-12)) & (one.lrs <= 1.0)).all()


def test_every_racer_gets_the_same_starts_noise_and_rates():
    twins = RACE.model_copy(update={"racers": (RACE.racers[0], RACE.racers[0].model_copy(update={"id": 1}))})
    frame = finish(tuner(race=twins))
    np.testing.assert_array_equal(frame.finals[0], frame.finals[1])
    assert len(np.unique(frame.finals[0, 2])) == 4


def test_a_cell_of_the_table_is_a_race():
    quiet = RACE.changed("noise", {"name": "None"})
    frame = finish(tuner(race=quiet, jitter=0.3))
    for seed in range(4):
        for place in (0, 3):
            race = quiet.changed("start", frame.starts[seed].tolist())
            for racer in range(3):
                race = race.changed(f"racers.{racer}.optimizer.lr", float(frame.lrs[place]))
            engine = DescentEngine(race)
            while not engine.done:
                engine.step()
            np.testing.assert_allclose(frame.finals[:, place, seed], engine.frame().losses[:, -1], rtol=1e-12)


def test_rows_are_the_best_median_and_its_spread():
    frame = finish(tuner(high=10.0))
    assert np.isinf(frame.finals).any()
    for row, losses in zip(frame.rows, frame.finals, strict=True):
        place = int(np.flatnonzero(frame.lrs == row.lr)[0])
        medians = [np.median(cell) for cell in losses]
        assert row.median == min(medians) == medians[place]
        assert (row.best, row.worst) == (losses[place].min(), losses[place].max())
        assert row.diverged == np.isinf(losses[place]).sum()
    assert [row.id for row in frame.rows] == [0, 1, 2]


def test_without_jitter_and_noise_all_seeds_agree():
    frame = finish(tuner(race=RACE.changed("noise", {"name": "None"}), jitter=0.0))
    np.testing.assert_array_equal(frame.finals, np.repeat(frame.finals[:, :, :1], 4, axis=2))


def test_stopped_it_keeps_the_seeds_that_are_complete():
    whole = finish(tuner())
    engine = tuner()
    assert engine.frame().rows == ()
    seen = set()
    while not engine.done:
        engine.step()
        frame = engine.frame()
        seeds = frame.finals.shape[2]
        if seeds not in seen:
            seen.add(seeds)
            np.testing.assert_array_equal(frame.finals, whole.finals[:, :, :seeds])
            assert len(frame.starts) == seeds
            assert bool(frame.rows) == bool(seeds)
    assert seen == {0, 1, 2, 3, 4}


def test_it_counts_runs_and_leaves_out_who_moves_one_by_one():
    race = RACE.changed("racers", [{"optimizer": {"name": "SGD"}}, {"optimizer": {"name": "LBFGS"}}])
    engine = build("tuner", TunerConfig.model_validate({"race": race, "rates": 3, "seeds": 2}))
    frame = finish(engine)
    assert engine.status() == (6, 6, "runs", "")
    assert np.isnan(frame.finals[1]).all()
    assert np.isnan(frame.rows[1].lr)
    assert "LBFGS" in frame.left_out[0]


def test_bad_budgets_are_refused():
    with pytest.raises(ValueError, match="rates: expected a whole number from 1 to 500, got 0"):
        TunerConfig.parse({"rates": 0})
    with pytest.raises(ValueError, match="low: expected a rate up to the highest, 1, got 2"):
        TunerConfig.parse({"low": 2.0, "high": 1.0})
