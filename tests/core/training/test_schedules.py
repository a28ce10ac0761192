"""Schedules in a training run: edits of the rate, plateaus, checkpoints, epochs added while it runs."""

import itertools

import numpy as np
import pytest

from optgui.core.schedulers import SCHEDULERS, SchedulerConfig, curve
from optgui.core.training import TrainingEngine
from tests.samples import finish, made_up_digits, training

BATCHES = 4  # of an epoch: 100 images at 25
EPOCHS = 5
SETTINGS = {
    "None": {},
    "MultiStepLR": {"milestones": [2, 3], "gamma": 0.5},
    "StepLR": {"step_size": 2, "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.8},
    "CosineAnnealingLR": {"T_max": 3, "eta_min": 0.1},
    "CosineAnnealingWarmRestarts": {"T_0": 2, "eta_min": 0.1},
    "OneCycleLR": {},
    "CyclicLR": {"step_size_up": 3},
    "LinearLR": {"total_iters": 4},
    "PolynomialLR": {"total_iters": 8},
    "ReduceLROnPlateau": {"patience": 0, "factor": 0.5, "threshold": 0.999},
}
FACTORS_OF_PLATEAU = [1.0, 1.0, 0.5, 0.25, 0.125]  # such a threshold calls every epoch but the first bad


def variants():
    """Every schedule, with both intervals where it has one, with and without warm-up."""
    for name, values in SETTINGS.items():
        config = {"name": name, **values}
        known = SchedulerConfig.parse(config).values
        yield pytest.param(config, id=name)
        if "interval" in known:
            for interval in ("epoch", "step"):
                yield pytest.param({**config, "interval": interval, "warmup": 6}, id=f"{name}-{interval}")
        elif "warmup" in known:
            yield pytest.param({**config, "warmup": 3}, id=f"{name}-warmup")


EVERY = pytest.mark.parametrize("scheduler", list(variants()))


def engine_of(scheduler, **config):
    settings = {"model": {"name": "MLP", "hidden": [8]}, "batch_size": 25, "epochs": EPOCHS, **config}
    return training(made_up_digits(100, 20), scheduler=scheduler, **settings)


def expected_factors(scheduler):
    """Of every step of the run."""
    factors = curve(SchedulerConfig.parse(scheduler), BATCHES, EPOCHS)
    if factors is None:
        factors = np.repeat(FACTORS_OF_PLATEAU, BATCHES)
        warmup = scheduler.get("warmup", 0)
        factors[:warmup] *= np.linspace(0.1, 1, warmup + 1)[:warmup]
    return factors.tolist()


def rates(records):
    return [record.lr for record in records if record.phase == "train"]


def test_every_schedule_is_tried_here():
    assert set(SETTINGS) == set(SCHEDULERS)


@EVERY
def test_the_rate_of_every_step_is_base_times_factor(scheduler):
    engine = engine_of(scheduler, optimizer={"name": "SGD", "lr": 0.2})
    assert rates(finish(engine)) == pytest.approx([0.2 * f for f in expected_factors(scheduler)], rel=1e-14)


@EVERY
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_the_optimizer_steps_with_the_rate_that_is_recorded(scheduler, optimizer):
    engine = engine_of(scheduler, optimizer={"name": optimizer, "lr": 0.01})
    used = []
    update = engine._loop.update
    engine._loop.update = lambda: (used.append(engine._loop.optimizer.param_groups[0]["lr"]), update())
    assert rates(finish(engine)) == used


@EVERY
@pytest.mark.parametrize("when", [1, 7, 13])
def test_an_edit_of_the_rate_acts_at_the_next_step(scheduler, when):
    engine = engine_of(scheduler, optimizer={"name": "SGD", "lr": 0.2})
    records = []
    while not engine.done:
        if sum(record.phase == "train" for record in records) == when:
            engine.apply(engine.config.changed("optimizer.lr", 0.03))
        records.append(engine.step())
    bases = [0.2] * when + [0.03] * (BATCHES * EPOCHS - when)
    expected = [base * factor for base, factor in zip(bases, expected_factors(scheduler), strict=True)]
    assert rates(records) == pytest.approx(expected, rel=1e-14)


@EVERY
@pytest.mark.parametrize("steps", [3, 8, 15, 22])
def test_a_resumed_run_equals_the_unbroken_one_under_every_schedule(scheduler, steps, tmp_path):
    whole = finish(engine_of(scheduler))
    engine = engine_of(scheduler)
    first = list(itertools.islice(iter(engine.step, None), steps + 2))
    engine.save_checkpoint(tmp_path / "run.safetensors")
    resumed = TrainingEngine.from_checkpoint(tmp_path / "run.safetensors", made_up_digits(100, 20))
    both = [r for r in [*first, *finish(resumed)] if r.phase == "train"]
    whole = [r for r in whole if r.phase == "train"]
    assert [(r.step, r.loss, r.lr) for r in both] == [(r.step, r.loss, r.lr) for r in whole]


def test_a_plateau_acts_behind_the_evaluation_and_on_its_loss():
    engine = engine_of({"name": "ReduceLROnPlateau", "patience": 0, "factor": 0.5}, epochs=12)
    records = finish(engine)
    best, factor, expected = float("inf"), 1.0, []
    for record in records:
        if record.phase == "train":
            expected.append(engine.config.optimizer.lr * factor)
        elif record.test_loss == record.test_loss:
            if record.test_loss < best * (1 - 1e-4):
                best = record.test_loss
            else:
                factor *= 0.5
    assert rates(records) == pytest.approx(expected)


def test_an_evaluation_on_demand_does_not_move_a_plateau():
    config = {"name": "ReduceLROnPlateau", "patience": 0, "factor": 0.5, "threshold": 0.999}
    engine = engine_of(config)
    records = finish(engine, 14)
    for _ in range(3):
        list(engine.answer("evaluate"))
    records += finish(engine)
    assert rates(records) == pytest.approx([0.1 * f for f in expected_factors(config)])


@pytest.mark.parametrize("epochs", [3, 9])
def test_one_cycle_over_the_run_follows_an_edit_of_the_epochs(epochs):
    engine = engine_of("OneCycleLR")
    records = []
    while sum(record.phase == "train" for record in records) < 9:
        records.append(engine.step())
    engine.apply(engine.config.changed("epochs", epochs))
    records += finish(engine)
    config = SchedulerConfig.parse("OneCycleLR")
    factors = [*curve(config, BATCHES, EPOCHS)[:9], *curve(config, BATCHES, epochs)[9:]]
    assert rates(records) == pytest.approx([0.1 * factor for factor in factors], rel=1e-14)


def test_a_cosine_keeps_its_own_length_when_epochs_are_added():
    engine = engine_of({"name": "CosineAnnealingLR", "T_max": 7})
    records = finish(engine, 12)
    engine.apply(engine.config.changed("epochs", 7))
    records += finish(engine)
    factors = curve(SchedulerConfig.parse({"name": "CosineAnnealingLR", "T_max": 7}), BATCHES, 7)
    assert rates(records) == pytest.approx((0.1 * factors).tolist(), rel=1e-14)


def test_the_epochs_may_be_edited_while_the_data_are_prepared():
    engine = engine_of("OneCycleLR")
    engine.apply(engine.config.changed("epochs", 3))
    factors = curve(SchedulerConfig.parse("OneCycleLR"), BATCHES, 3)
    assert rates(finish(engine)) == pytest.approx((0.1 * factors).tolist(), rel=1e-14)


@EVERY
def test_an_edited_schedule_is_as_if_it_had_been_there_from_the_start(scheduler):
    engine = engine_of({"name": "StepLR", "step_size": 3}, optimizer={"name": "SGD", "lr": 0.2})
    records = []
    while sum(record.phase == "train" for record in records) < 9:
        records.append(engine.step())
    engine.apply(engine.config.changed("scheduler", scheduler))
    losses = [r.test_loss for r in records if r.test_loss == r.test_loss]
    records = finish(engine)
    factors = expected_factors(scheduler)
    assert len(losses) == 2
    assert rates(records) == pytest.approx([0.2 * factor for factor in factors[9:]], rel=1e-14)


def test_one_cycle_over_the_run_follows_an_edit_of_the_batch_size():
    engine = engine_of("OneCycleLR")
    finish(engine, 2)
    records = []
    while sum(record.phase == "train" for record in records) < 5:
        records.append(engine.step())
    step = records[-1].step
    engine.apply(engine.config.changed("batch_size", 50))
    total = engine.total_steps
    factors = curve(SchedulerConfig.parse("OneCycleLR"), total, 1)
    assert rates(finish(engine)) == pytest.approx((0.1 * factors[step:]).tolist(), rel=1e-14)
