"""Schedules of a race: those of training, with lengths that a race of 500 steps can use."""

import numpy as np
import pytest

from optgui.core.params import params_of
from optgui.core.schedulers import SCHEDULERS
from optgui.core.surface.driving import factors_of
from optgui.core.surface.schedules import RACE_SCHEDULERS, RaceSchedulerConfig


def test_every_schedule_of_training_is_offered():
    assert list(RACE_SCHEDULERS) == list(SCHEDULERS)


@pytest.mark.parametrize("name", [name for name in RACE_SCHEDULERS if name not in ("None",)])
def test_as_it_is_first_chosen_a_schedule_moves_the_rate_and_does_not_end_it_at_once(name):
    factors = factors_of(RaceSchedulerConfig(name=name), 500)
    if name == "ReduceLROnPlateau":
        assert factors is None
        return
    assert factors.min() < 0.7 * factors.max()
    assert (factors > 1e-3).mean() > 0.9


@pytest.mark.parametrize("name", list(RACE_SCHEDULERS))
def test_it_counts_steps_and_says_so(name):
    for spec in params_of(RACE_SCHEDULERS[name].params):
        assert spec.name != "interval"
        assert "epoch" not in f"{spec.title} {spec.help} {spec.unit}".lower()


def test_milestones_out_of_order_are_refused():
    with pytest.raises(ValueError, match="milestones: expected whole numbers in increasing order"):
        RaceSchedulerConfig.parse({"name": "MultiStepLR", "milestones": [5, 3]})


def test_the_factors_are_torchs():
    factors = factors_of(RaceSchedulerConfig.parse({"name": "StepLR", "step_size": 3, "gamma": 0.5}), 9)
    np.testing.assert_array_equal(factors, [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25])
