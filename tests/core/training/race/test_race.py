"""A race: every entrant learns what it would learn alone, and takes edits while it does."""

import math

import numpy as np
import pytest
import torch

from optgui.core import engine as contract
from optgui.core.engine import RunFailed
from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig
from optgui.core.training.models import make_network, network_of
from optgui.core.training.race import RaceConfig
from tests.core.training.race.samples import entrants_of, losses, race
from tests.samples import finish, made_up_digits, prepared, trained, training

BATCHES = 32  # of an epoch: 2,000 images at 64
STEPS = 200
CALM = {"name": "SGD", "lr": 0.01}
FAST = {"name": "SGD", "lr": 0.1}
WILD = {"name": "SGD", "lr": 1e6, "momentum": 0.99}
DEEP = {"name": "MLP", "hidden": [16, 16], "activation": "LeakyReLU"}
SMALL = {"name": "MLP", "hidden": [16]}
CNN = {"name": "CNN", "filters": [2, 3], "hidden": 8}
RATES = {
    "SGD": 0.01,
    "Adam": 0.001,
    "AdamW": 0.001,
    "RMSprop": 0.0001,
    "Adagrad": 0.001,
    "Momentum": 0.1,
    "TextbookAdagrad": 0.001,
    "TextbookRMSprop": 0.0001,
    "TextbookAdam": 0.001,
    "Adadelta": 1.0,
    "Adamax": 0.001,
    "NAdam": 0.001,
    "RAdam": 0.001,
    "ASGD": 0.01,
}
# Rounding grows at once where steps follow the sign of gradients or a line of several gradients.
SENSITIVE = {"Rprop": 0.001, "Adafactor": 0.001, "LBFGS": 0.05, "Muon": 0.001}


@pytest.fixture(autouse=True)
def _float64():
    """So that equal means equal: in float32 rounding now and then moves a unit over the kink of ReLU."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def edited(engine, path, value):
    engine.apply(engine.config.changed(path, value))


def same(one, other):
    """Whether two lists of records are equal bit for bit; NaN equals NaN."""
    return repr(one) == repr(other)


def alone(steps=None, **config):
    """The losses of a training run of its own."""
    return [record.loss for record in trained(finish(training(**config)))][:steps]


def test_every_elementwise_optimizer_learns_in_a_race_what_it_learns_alone():
    names = list(RATES)
    for chosen in (names[:7], names[7:]):
        optimizers = [{"name": name, "lr": RATES[name]} for name in chosen]
        records = finish(race(entrants_of(*optimizers), model=SMALL, epochs=7))
        for place, optimizer in enumerate(optimizers):
            expected = alone(STEPS, optimizer=optimizer, model=SMALL, epochs=7)
            assert len(expected) == STEPS
            assert losses(records, place)[:STEPS] == pytest.approx(expected, abs=1e-9), optimizer["name"]


@pytest.mark.parametrize("name", SENSITIVE)
def test_other_optimizers_race_too(name):
    optimizer = {"name": name, "lr": SENSITIVE[name]}
    both = race(entrants_of(optimizer, CALM), model=SMALL)
    single = prepared(training(optimizer=optimizer, model=SMALL, epochs=1))
    records = finish(both, 16)
    expected = [record.loss for record in finish(single, 3)]
    assert losses(records, 0)[:3] == pytest.approx(expected, rel=1e-6)
    assert losses(records, 1)[:3] == pytest.approx(alone(3, optimizer=CALM, model=SMALL, epochs=1), abs=1e-9)


def test_no_optimizer_that_a_run_offers_is_left_out():
    offered = {name for name in OPTIMIZERS if not OptimizerConfig.refusal(name)}
    assert offered == {*RATES, *SENSITIVE}


@pytest.mark.parametrize(
    "values",
    [
        {"name": "SGD", "lr": 0.05, "momentum": 0.9, "nesterov": True},
        {"name": "SGD", "lr": 0.05, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.01},
        {"name": "Adam", "lr": 0.001, "amsgrad": True, "weight_decay": 0.01},
        {"name": "RMSprop", "lr": 0.0003, "momentum": 0.5, "centered": True},
        {"name": "Adagrad", "lr": 0.01, "lr_decay": 0.01, "weight_decay": 0.01},
    ],
    ids=lambda values: f"{values['name']}-{'-'.join(list(values)[2:])}",
)
def test_switches_and_further_numbers_count_in_a_race(values):
    plain = {"name": values["name"], "lr": values["lr"]}
    records = finish(race(entrants_of(plain, values), epochs=3))
    assert losses(records, 1) == pytest.approx(alone(optimizer=values, epochs=3), abs=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        {"name": "MLP", "hidden": [24]},
        {"name": "MLP", "hidden": [24, 16]},
        {"name": "MLP", "hidden": [24, 16], "activation": "Tanh"},
        {"name": "MLP", "hidden": [24], "dropout": 0.3},
        {"name": "Softmax"},
        CNN,
    ],
    ids=str,
)
@pytest.mark.parametrize("shift", [0, 3], ids=["shared batches", "own batches"])
def test_every_model_races_with_shared_and_with_own_batches(model, shift):
    faster = {"name": "SGD", "lr": 0.02}
    entrants = [{"optimizer": CALM}, {"optimizer": faster, "seed_shift": shift}]
    engine = race(entrants, model=model, seed=4)
    records = finish(engine)
    expected = alone(model=model, optimizer=CALM, seed=4, epochs=1)
    assert losses(records, 0) == pytest.approx(expected, abs=1e-9)
    expected = alone(model=model, optimizer=faster, seed=4 + shift, epochs=1)
    assert losses(records, 1) == pytest.approx(expected, abs=1e-9)


def test_equal_entrants_have_equal_records_bit_for_bit():
    records = finish(race(entrants_of(*[{"name": "Adam", "lr": 0.001}] * 3)))
    assert losses(records, 0) == losses(records, 1) == losses(records, 2)


def test_same_seed_same_race_and_another_seed_another():
    entrants = entrants_of(FAST, {"name": "Adam", "lr": 0.001})
    one, two, other = (finish(race(entrants, seed=seed)) for seed in (3, 3, 4))
    assert same(one, two)
    assert not same(one, other)


def test_weights_begin_as_those_of_a_run_with_the_same_seed_bit_for_bit():
    engine = prepared(race(entrants_of("SGD", "SGD"), seed=5))
    expected = make_network(engine.config.model, torch.Generator().manual_seed(5)).state_dict()
    for snapshot in engine.answer("snapshots"):
        assert all(np.array_equal(snapshot.arrays[name], value.numpy()) for name, value in expected.items())


def test_torchs_global_generator_stays_untouched():
    before = torch.get_rng_state()
    finish(race(entrants_of("SGD", "Adam"), model={"name": "MLP", "dropout": 0.5}))
    assert torch.equal(torch.get_rng_state(), before)


def test_accuracies_and_tests_equal_those_of_a_run_alone():
    entrants = entrants_of(FAST, {"name": "Adam", "lr": 0.001})
    engine = race(entrants, epochs=2)
    records = finish(engine)
    for place, entrant in enumerate(entrants):
        single = finish(training(**entrant, epochs=2))
        ours = [record.accuracies[place] for record in records if record.phase == "train"]
        assert ours == pytest.approx([record.accuracy for record in trained(single)], abs=1e-9)
        tests = [r for r in records if r.test_accuracies]
        expected = [r for r in single if r.phase == "test" and not math.isnan(r.test_accuracy)]
        assert len(tests) == len(expected) == 2
        for record, other in zip(tests, expected, strict=True):
            assert record.test_accuracies[place] == pytest.approx(other.test_accuracy, abs=1e-9)
            assert record.test_losses[place] == pytest.approx(other.test_loss, abs=1e-9)
        state = engine.frame().entrants[place]
        assert state.test_accuracy == tests[-1].test_accuracies[place]


def test_short_epochs_share_a_test_but_where_a_plateau_is_looked_for():
    entrants = entrants_of({"name": "SGD", "lr": 0.1}, {"name": "Adam", "lr": 0.001}, batch_size=40)
    records = finish(race(entrants, samples=40, epochs=120))
    assert [record.step for record in records if record.test_losses] == [50, 100, 120]
    entrants[1]["scheduler"] = {"name": "ReduceLROnPlateau"}
    records = finish(race(entrants, samples=40, epochs=3))
    assert [record.step for record in records if record.test_losses] == [1, 2, 3]


def test_an_epoch_that_becomes_the_last_of_a_race_is_tested():
    entrants = entrants_of({"name": "SGD", "lr": 0.1}, {"name": "Adam", "lr": 0.001}, batch_size=40)
    engine = race(entrants, samples=40, epochs=120)
    while engine.step().step < 7:
        pass
    engine.apply(engine.config.changed("epochs", 7))
    records = finish(engine)
    assert [record.step for record in records if record.test_losses] == [7]


def test_batch_sizes_are_interleaved_by_images_seen():
    entrants = [{"optimizer": CALM, "batch_size": size} for size in (64, 16)]
    records = finish(race(entrants))
    seen = {0: 0, 1: 0}
    for record in records:
        if record.phase != "train":
            continue
        (mover,) = record.ids
        assert seen[mover] == min(seen.values())
        seen[mover] = record.samples
    assert seen == {0: 2_000, 1: 2_000}
    for place, size in enumerate((64, 16)):
        expected = alone(optimizer=CALM, batch_size=size, epochs=1)
        assert losses(records, place) == pytest.approx(expected, abs=1e-9)


def test_entrants_of_one_batch_size_move_in_one_step():
    entrants = [{"batch_size": size} for size in (64, 16, 64)]
    records = finish(race(entrants))
    assert {record.ids for record in records} == {(), (0, 2), (1,)}


def test_a_small_last_batch_counts_as_in_a_run():
    entrants = [{"optimizer": CALM, "batch_size": 300}] * 2
    records = finish(race(entrants, epochs=2))
    expected = alone(optimizer=CALM, batch_size=300, epochs=2)
    assert losses(records, 1) == pytest.approx(expected, abs=1e-9)


def test_each_entrant_follows_its_own_schedule():
    steps = {"name": "MultiStepLR", "milestones": [1], "gamma": 0.1}
    plateau = {"name": "ReduceLROnPlateau", "patience": 0, "threshold": 0.9, "factor": 0.5}
    entrants = [{"scheduler": schedule} for schedule in ("None", steps, plateau)]
    records = [r for r in finish(race(entrants, epochs=3)) if r.phase == "train"]
    rates = [record.lrs for record in records]
    assert rates[0] == (0.1, 0.1, 0.1)
    assert rates[BATCHES] == pytest.approx((0.1, 0.01, 0.1))
    single = [r.lr for r in trained(finish(training(scheduler=plateau, epochs=3)))]
    assert [rate[2] for rate in rates] == single


def test_a_live_edit_of_one_entrant_acts_at_its_next_step_and_leaves_the_others():
    entrants = entrants_of(FAST, FAST, {"name": "Adam", "lr": 0.001})
    engine, single = prepared(race(entrants, epochs=2)), prepared(training(epochs=2))
    records, expected = finish(engine, 20), finish(single, 20)
    for part in (engine, single):
        place = "entrants.1." if part is engine else ""
        edited(part, f"{place}optimizer.lr", 0.02)
        edited(part, f"{place}optimizer.momentum", 0.9)
    records, expected = records + finish(engine), expected + finish(single)
    assert records[20].lrs == (0.1, 0.02, 0.001)
    ours = losses(records, 1)
    assert ours == pytest.approx([record.loss for record in trained(expected)], abs=1e-9)
    assert losses(records, 0) == pytest.approx(alone(optimizer=FAST, epochs=2), abs=1e-9)


@pytest.mark.parametrize("name", [*RATES, *SENSITIVE])
def test_every_optimizer_takes_a_live_rate(name):
    engine = prepared(race(entrants_of({"name": name, "lr": 0.002}, CALM), model=SMALL))
    finish(engine, 4)
    edited(engine, "entrants.0.optimizer.lr", 0.001)
    records = [record for record in finish(engine, 4) if 0 in record.ids]
    assert {record.lrs[0] for record in records} == {0.001}
    assert all(math.isfinite(loss) for loss in losses(records, 0))


def test_dropout_may_be_switched_on_in_mid_run():
    engine = prepared(race(entrants_of(CALM, CALM)))
    single = prepared(training(optimizer=CALM, epochs=1))
    before = [finish(part, 10) for part in (engine, single)]
    for part in (engine, single):
        edited(part, "model.dropout", 0.4)
    records, expected = before[0] + finish(engine), before[1] + finish(single)
    assert losses(records, 0) == pytest.approx([record.loss for record in trained(expected)], abs=1e-9)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("entrants.1.batch_size", 32, "entrants.1.batch_size: takes effect at the next start"),
        ("seed", 3, "seed: takes effect"),
        ("entrants.0.optimizer.name", "Adam", "entrants.0.optimizer"),
    ],
)
def test_a_refused_edit_changes_nothing(path, value, words):
    engine = prepared(race(entrants_of(FAST, FAST)))
    finish(engine, 3)
    with pytest.raises(ValueError, match=words):
        edited(engine, path, value)
    assert engine.config.entrants[0].optimizer.lr == 0.1
    untouched = alone(optimizer=FAST, epochs=1)
    assert losses(finish(engine), 0) == pytest.approx(untouched[3:], abs=1e-9)


def test_values_that_torch_refuses_leave_every_entrant_as_it_was():
    entrants = entrants_of(FAST, {"name": "SGD", "lr": 0.1, "momentum": 0.9, "nesterov": True})
    engine = prepared(race(entrants))
    finish(engine, 3)
    config = engine.config.changed("entrants.0.optimizer.lr", 0.5)
    with pytest.raises(ValueError, match="Nesterov"):
        engine.apply(config.changed("entrants.1.optimizer.momentum", 0.0))
    assert finish(engine, 1)[0].lrs == (0.1, 0.1)


def test_an_entrant_that_diverges_is_out_and_the_others_go_on():
    engine = race(entrants_of(WILD, CALM), model=DEEP)
    records = finish(engine)
    expected = alone(optimizer=CALM, model=DEEP, epochs=1)
    assert losses(records, 1) == pytest.approx(expected, abs=1e-9)
    out, other = engine.frame().entrants
    assert "learning rate 1e+06" in out.failure
    assert out.test_accuracy is None
    assert not out.finished
    assert engine.frame().finished == (1,)
    assert not other.failure


def test_a_race_that_nobody_survives_says_so():
    engine = race(entrants_of(WILD, WILD), model=DEEP)
    with pytest.raises(RunFailed, match="Every network is out"):
        finish(engine)
    with pytest.raises(RunFailed, match="Every network is out"):
        engine.step()
    assert not engine.done


def test_a_race_may_be_prolonged_but_not_cut():
    engine = race(entrants_of("SGD", "SGD"))
    finish(engine)
    edited(engine, "epochs", 2)
    assert not engine.done
    assert len(trained(finish(engine))) == BATCHES
    with pytest.raises(ValueError, match="epochs: expected more than the 2 already trained, got 1"):
        edited(engine, "epochs", 1)


def test_any_entrant_can_be_taken_away_as_a_network():
    engine = race([{"id": 7, "optimizer": "SGD"}, {"id": 2, "optimizer": "Adam"}], model=CNN)
    finish(engine)
    snapshot = engine.answer(("snapshot", 2))
    assert snapshot.id == f"{engine.run}-2@{BATCHES}"
    state = engine.frame().entrants[1]
    assert snapshot.test_accuracy == state.test_accuracy
    digits = made_up_digits()
    images = torch.tensor(digits.test_images).unsqueeze(1) / 255
    right = network_of(snapshot)(images).argmax(1).numpy() == digits.test_labels
    assert right.mean() == pytest.approx(state.test_accuracy)
    with pytest.raises(ValueError, match=r"snapshot: expected one of \[7, 2\], got 0"):
        engine.answer(("snapshot", 0))
    assert not any(array.flags.writeable for array in snapshot.arrays.values())


def test_what_cannot_be_answered_is_said():
    engine = race(entrants_of("SGD", "SGD"))
    with pytest.raises(ValueError, match="still being prepared"):
        engine.answer("snapshots")
    prepared(engine)
    assert engine.answer("digits") is made_up_digits()
    with pytest.raises(ValueError, match="request: expected"):
        engine.answer("gold")


def test_a_batch_larger_than_the_data_is_refused_with_its_place():
    engine = race([{"batch_size": 64}, {"batch_size": 2_001}])
    with pytest.raises(RunFailed, match=r"entrants.1.batch_size: expected at most 2000, .* got 2001"):
        finish(engine)


def test_few_samples_and_wrong_labels_are_those_of_a_run():
    data = {"samples": 640, "label_noise": 0.2}
    records = finish(race(entrants_of(CALM, CALM), **data))
    expected = alone(optimizer=CALM, epochs=1, **data)
    assert len(expected) == 10
    assert losses(records, 1) == pytest.approx(expected, abs=1e-9)


def test_the_status_counts_the_steps_of_all_teams():
    engine = race([{"batch_size": 64}, {"batch_size": 16}])
    assert engine.status().unit == "%"
    prepared(engine)
    assert engine.status() == contract.Status(0, 32 + 125, "steps", "epoch 1 of 1")
    finish(engine)
    assert engine.status().done == engine.status().total


def test_the_contract_builds_a_race():
    config = RaceConfig.parse({"dataset": "builtin", "epochs": 1})
    engine = contract.build("race", config, made_up_digits())
    records = contract.run_slice(engine, 0.05)
    assert records
    assert records[0].phase == "prepare"
