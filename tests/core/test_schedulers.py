"""A schedule is what torch's scheduler makes of a rate of 1, with our own warm-up in front."""

import inspect
import json

import numpy as np
import pytest
import torch

from optgui.core.params import params_of
from optgui.core.schedulers import SCHEDULERS, Schedule, SchedulerConfig, curve
from tests.configs import leaves

COUNT = 50
CASES = [
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 17, 17, 40], "gamma": 0.3}),
    ("MultiStepLR", {"milestones": []}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ExponentialLR", {"gamma": 1.05}),
    ("CosineAnnealingLR", {"T_max": 20, "eta_min": 0.1}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4, "T_mult": 2, "eta_min": 0.05}),
    ("OneCycleLR", {"total_steps": COUNT}),
    ("OneCycleLR", {"total_steps": COUNT, "anneal_strategy": "linear", "three_phase": True, "max_lr": 3.0}),
    ("CyclicLR", {"step_size_up": 6}),
    ("CyclicLR", {"step_size_up": 4, "step_size_down": 9, "mode": "triangular2", "base_lr": 0.2}),
    ("CyclicLR", {"step_size_up": 5, "mode": "exp_range", "gamma": 0.97}),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.7, "total_iters": 11}),
    ("PolynomialLR", {"total_iters": 30, "power": 2.0}),
    ("ReduceLROnPlateau", {"patience": 1, "factor": 0.5, "cooldown": 2, "min_lr": 0.02}),
    ("ReduceLROnPlateau", {"patience": 0, "factor": 0.9, "threshold": 0.05, "threshold_mode": "abs"}),
]
ABSOLUTE = ("eta_min", "max_lr", "base_lr", "min_lr", "eps")
LOSSES = [float(loss) for loss in 2 + np.exp(-np.arange(COUNT) / 9) + np.sin(np.arange(COUNT)) / 4]
WITH_TORCH = [name for name, entry in SCHEDULERS.items() if entry.make is not None]
COUNTING = [case for case in CASES if case[0] != "ReduceLROnPlateau"]


def torchs_rates(name, values, base=1.0):
    """The rates of a plain torch loop; torch's absolute fields are scaled by the base rate."""
    ours = ("interval", "warmup", "warmup_start")
    values = {field: value for field, value in values.items() if field not in ours}
    values |= {field: base * values[field] for field in ABSOLUTE if field in values}
    if name in ("OneCycleLR", "CyclicLR"):
        values["cycle_momentum"] = False
    if name == "CyclicLR" and not values["step_size_down"]:
        del values["step_size_down"]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **values)
    rates = []
    for loss in LOSSES:
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([loss] if name == "ReduceLROnPlateau" else []))
    return rates


def run(schedule, steps_per_epoch, epochs, losses=LOSSES):
    """The factor before each step, and that `advance_*` tell the truth about changes."""
    factors = []
    for epoch in range(epochs):
        for _ in range(steps_per_epoch):
            factors.append(schedule.factor)
            assert schedule.advance_step() == (schedule.factor != factors[-1])
        before = schedule.factor
        assert schedule.advance_epoch(losses[epoch % COUNT]) == (schedule.factor != before)
    return factors


def factors_of(config, steps_per_epoch, epochs):
    return run(Schedule(SchedulerConfig.parse(config), steps_per_epoch, epochs), steps_per_epoch, epochs)


def near(rates):
    return pytest.approx(rates, rel=1e-12, abs=1e-15)


def test_every_schedule_has_a_case_here():
    assert {name for name, _ in CASES} == set(WITH_TORCH)


@pytest.mark.parametrize("base", [1.0, 0.1])
@pytest.mark.parametrize(("name", "values"), CASES)
def test_base_rate_times_factor_is_torchs_rate_at_that_base(name, values, base):
    config = SchedulerConfig.parse({"name": name, **values})
    rates = torchs_rates(name, config.values, base)
    assert len({*rates}) > 1 or values == {"milestones": []}
    if "interval" in config.values:
        by_step = factors_of({**config.model_dump(), "interval": "step"}, COUNT, 1)
        assert [base * factor for factor in by_step] == near(rates)
        config = config.changed("interval", "epoch")
    by_epoch = factors_of(config, 3, COUNT)
    assert [base * factor for factor in by_epoch] == near(np.repeat(rates, 3).tolist())


@pytest.mark.parametrize("name", WITH_TORCH)
def test_every_field_but_the_shared_ones_is_an_argument_of_torchs(name):
    arguments = inspect.signature(getattr(torch.optim.lr_scheduler, name)).parameters
    fields = {spec.name for spec in params_of(SCHEDULERS[name].params)}
    assert fields - {"interval", "warmup", "warmup_start"} <= set(arguments)
    assert {"warmup", "warmup_start"} <= fields


def test_no_schedule_keeps_the_rate():
    assert factors_of("None", 3, 4) == [1.0] * 12
    assert list(leaves(SchedulerConfig.parse("None"))) == []


@pytest.mark.parametrize("name", WITH_TORCH)
def test_one_cycle_and_cyclic_count_steps_and_the_others_epochs(name):
    expected = {"OneCycleLR": "step", "CyclicLR": "step", "ReduceLROnPlateau": None}.get(name, "epoch")
    assert SchedulerConfig.parse(name).values.get("interval") == expected


@pytest.mark.parametrize("interval", ["epoch", "step"])
@pytest.mark.parametrize(("name", "values"), COUNTING)
@pytest.mark.parametrize("warmup", [1, 4, 6, 20])
def test_warm_up_rises_in_a_line_to_the_schedules_start_and_the_schedule_follows(
    name, values, interval, warmup
):
    config = {"name": name, "interval": interval, **values}
    plain = factors_of(config, 4, 10)
    warm = factors_of({**config, "warmup": warmup, "warmup_start": 0.2}, 4, 10)
    line = np.linspace(0.2, 1, warmup + 1)[:warmup] * plain[0]
    assert warm[:warmup] == pytest.approx(line.tolist())
    if interval == "step":
        assert warm[warmup:] == plain[: 40 - warmup]
    else:  # the ends of epochs stay where they are; those up to the end of the warm-up do not count
        whole = warmup // 4 * 4
        assert warm[warmup:] == plain[warmup - whole : 40 - whole]


def test_a_plateau_looks_at_no_loss_before_the_end_of_the_warm_up():
    config = SchedulerConfig.parse({"name": "ReduceLROnPlateau", "patience": 0, "warmup": 8})
    factors = run(Schedule(config, 4, 6), 4, 6, losses=[0.0, 0.0, 3.0, 2.0, 2.0, 2.0])
    assert factors[8:] == pytest.approx([1.0] * 12 + [0.1] * 4)


def test_a_plateau_wants_a_loss():
    schedule = Schedule(SchedulerConfig.parse("ReduceLROnPlateau"), 1, 3)
    assert schedule.wants_metric
    with pytest.raises(ValueError, match="metric: expected the test loss"):
        schedule.advance_epoch()


@pytest.mark.parametrize("interval", ["step", "epoch"])
def test_one_cycle_spans_the_run_and_holds_its_last_factor_past_it(interval):
    config = SchedulerConfig.parse({"name": "OneCycleLR", "interval": interval})
    schedule = Schedule(config, 5, 8)
    factors = run(schedule, 5, 8)
    assert factors[0] == pytest.approx(1 / 25)
    assert max(factors) == pytest.approx(1, rel=0.05)
    assert factors[-1] == pytest.approx(1 / 25 / 1e4)
    assert run(schedule, 5, 4) == [factors[-1]] * 20


def test_one_cycle_of_a_given_length_holds_earlier():
    factors = factors_of({"name": "OneCycleLR", "total_steps": 12}, 5, 8)
    assert factors[11:] == [factors[11]] * 29
    assert factors[10] > factors[11]


def test_one_cycle_behind_a_warm_up_ends_with_the_run():
    factors = factors_of({"name": "OneCycleLR", "warmup": 7}, 5, 8)
    assert factors[-1] == pytest.approx(1 / 25 / 1e4)
    assert factors[-2] > factors[-1]


@pytest.mark.parametrize("epochs", [1, 2, 3, 10])
@pytest.mark.parametrize("three_phase", [True, False])
@pytest.mark.parametrize("pct_start", [0.0, 0.1, 0.5, 1.0])
def test_one_cycle_stands_any_short_run(epochs, three_phase, pct_start):
    values = {"name": "OneCycleLR", "pct_start": pct_start, "three_phase": three_phase}
    factors = factors_of(values, 1, epochs)
    assert np.isfinite(factors).all()
    assert min(factors) > 0
    assert max(factors) <= 1 + 1e-9


def test_a_long_run_of_halved_cycles_does_not_overflow():
    config = {"name": "CyclicLR", "mode": "triangular2", "step_size_up": 1}
    assert factors_of(config, 2300, 1)[-2:] == [0.1, 0.1]


@pytest.mark.parametrize("when", [0, 1, 3, 11, 40, 55])
@pytest.mark.parametrize("interval", ["step", "epoch"])
@pytest.mark.parametrize("epochs", [6, 20])
def test_one_cycle_over_the_run_goes_on_in_the_cycle_of_the_new_length(when, interval, epochs):
    config = SchedulerConfig.parse({"name": "OneCycleLR", "interval": interval, "warmup": 3})
    expected = [*run(Schedule(config, 5, epochs), 5, epochs), *[None] * 60]
    last = expected[5 * epochs - 1]
    schedule = Schedule(config, 5, 10)
    for step in range(60):
        if step == when:
            schedule.set_epochs(epochs)
        if step >= when:
            assert schedule.factor == (last if expected[step] is None else expected[step])
        schedule.advance_step()
        if (step + 1) % 5 == 0:
            schedule.advance_epoch()


@pytest.mark.parametrize(("name", "values"), CASES)
def test_every_schedule_with_a_length_of_its_own_ignores_the_length_of_the_run(name, values):
    config = SchedulerConfig.parse({"name": name, **values})
    schedule, other = Schedule(config, 5, 10), Schedule(config, 5, 10)
    before = run(schedule, 5, 4)
    assert before == run(other, 5, 4)
    other.set_epochs(30)
    assert run(schedule, 5, 6) == run(other, 5, 6)


@pytest.mark.parametrize("interval", ["step", "epoch"])
@pytest.mark.parametrize("warmup", [0, 13])
@pytest.mark.parametrize(("name", "values"), COUNTING)
def test_the_preview_is_what_the_run_does(name, values, warmup, interval):
    config = SchedulerConfig.parse({"name": name, **values, "warmup": warmup, "interval": interval})
    factors = curve(config, 5, 10)
    assert factors.shape == (50,)
    assert factors.tolist() == factors_of(config, 5, 10)


def test_the_preview_of_no_schedule_is_flat_and_of_a_plateau_none():
    assert curve(SchedulerConfig.parse("None"), 3, 2).tolist() == [1.0] * 6
    assert curve(SchedulerConfig.parse("ReduceLROnPlateau"), 3, 2) is None


@pytest.mark.parametrize("warmup", [0, 33])
@pytest.mark.parametrize("interval", ["step", "epoch"])
@pytest.mark.parametrize(("name", "values"), CASES)
def test_a_restored_schedule_goes_on_exactly(name, values, interval, warmup):
    config = {"name": name, **values, "warmup": warmup}
    if name != "ReduceLROnPlateau":
        config["interval"] = interval
    config = SchedulerConfig.parse(config)
    schedule = Schedule(config, 5, 20)
    run(schedule, 5, 5)
    state = json.loads(json.dumps(schedule.state()))
    restored = Schedule(config, 5, 20).restore(state)
    assert restored.factor == schedule.factor
    assert run(restored, 5, 15) == run(schedule, 5, 15)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (
            {"name": "MultiStepLR", "milestones": [4, 2]},
            "milestones: expected .* increasing order, got .4, 2.",
        ),
        ({"name": "MultiStepLR", "milestones": [0]}, "milestones: expected a list of whole numbers >= 1"),
        ({"name": "StepLR", "gamma": 0}, "gamma: expected a number > 0"),
        ({"name": "ExponentialLR", "gamma": 0}, "gamma: expected a number > 0"),
        ({"name": "StepLR", "step_size": 0}, "step_size: expected a whole number from 1"),
        ({"name": "CosineAnnealingLR", "T_max": 0}, "T_max: expected a whole number from 1"),
        ({"name": "CosineAnnealingWarmRestarts", "T_mult": 0}, "T_mult: expected a whole number from 1"),
        ({"name": "OneCycleLR", "anneal_strategy": "sine"}, "anneal_strategy: expected one of cos, linear"),
        ({"name": "OneCycleLR", "pct_start": 1.5}, "pct_start: expected a number from 0 to 1"),
        ({"name": "LinearLR", "start_factor": 0}, "start_factor: expected a number > 0"),
        ({"name": "ReduceLROnPlateau", "factor": 1}, "factor: expected a number > 0 and < 1"),
        ({"name": "ReduceLROnPlateau", "interval": "step"}, "interval: unknown field"),
        ({"name": "StepLR", "warmup": -1}, "warmup: expected a whole number from 0"),
        ({"name": "StepLR", "warmup_start": 2}, "warmup_start: expected a number from 0 to 1"),
        ({"name": "StepLR", "interval": "batch"}, "interval: expected one of epoch, step, got 'batch'"),
        ({"name": "None", "warmup": 3}, "warmup: unknown field"),
        ({"name": "Staircase"}, "name: expected one of None, MultiStepLR"),
    ],
)
def test_a_refused_value_is_named_with_what_was_expected(config, sentence):
    with pytest.raises(ValueError, match=sentence):
        SchedulerConfig.parse(config)


@pytest.mark.parametrize(("name", "values"), CASES)
def test_a_schedule_survives_a_json_round_trip(name, values):
    config = SchedulerConfig.parse({"name": name, **values, "warmup": 7})
    again = SchedulerConfig.parse(json.loads(config.model_dump_json()))
    assert again == config
    assert again.values == config.values
