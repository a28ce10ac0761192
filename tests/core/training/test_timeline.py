"""Checkpoints in memory: going back is exact, branches are a tree, and a run that failed goes on."""

import math

import pytest

from optgui.core.engine import RunFailed, take_pause
from optgui.core.training.requests import Load, Mark, PauseAfter, Rewind, Save
from optgui.core.training.timeline import Timeline
from tests.samples import finish, made_up_digits, prepared, trained, training

BATCHES = 8
SETTINGS = {
    "plain": {},
    "adam and a step schedule": {
        "optimizer": {"name": "Adam", "lr": 0.003},
        "scheduler": {"name": "CosineAnnealingLR", "interval": "step", "T_max": 40, "warmup": 5},
    },
    "plateau": {"scheduler": {"name": "ReduceLROnPlateau", "patience": 0, "threshold": 0.9}},
    "dropout and augmentation": {
        "model": {"name": "MLP", "hidden": [16], "dropout": 0.3},
        "augmentation": {"name": "Shift", "pixels": 1},
    },
    "piling gradients with replacement": {
        "zero_grad": False,
        "replacement": True,
        "optimizer": {"name": "SGD", "lr": 0.001},
    },
    "lbfgs": {"optimizer": {"name": "LBFGS", "lr": 0.3, "max_iter": 3}},
    "muon": {"optimizer": {"name": "Muon", "lr": 0.01}, "model": {"name": "MLP", "hidden": [16, 16]}},
}


def engine_of(**config):
    settings = {"model": {"name": "MLP", "hidden": [16]}, "batch_size": 50, "epochs": 3, **config}
    return training(made_up_digits(400, 100), **settings)


def advanced(engine, steps):
    """The records up to the one of a step."""
    records = []
    while not trained(records) or trained(records)[-1].step < steps:
        records.append(engine.step())
    return records


def numbers(records):
    """What was measured, NaN as None and without the branch."""
    return [
        tuple(None if isinstance(v, float) and math.isnan(v) else v for v in record._replace(branch=0))
        for record in records
    ]


@pytest.mark.parametrize("settings", list(SETTINGS.values()), ids=list(SETTINGS))
@pytest.mark.parametrize("steps", [0, 5, 12])
def test_going_back_repeats_the_same_records_bit_for_bit(settings, steps):
    engine = prepared(engine_of(**settings))
    if steps:
        advanced(engine, steps)
    node = engine.answer(Mark("here")).id
    rest = finish(engine)
    for branch in (1, 2):
        rewound = engine.answer(Rewind(node))
        assert (rewound.branch, rewound.step, rewound.config) == (branch, steps, engine.config)
        again = finish(engine)
        assert numbers(again) == numbers(rest)
        assert {record.branch for record in again} == {branch}


@pytest.mark.parametrize("settings", list(SETTINGS.values()), ids=list(SETTINGS))
def test_a_run_resumed_from_a_file_equals_the_unbroken_one(settings, tmp_path):
    engine = prepared(engine_of(**settings))
    advanced(engine, 13)
    path = str(tmp_path / "run.safetensors")
    assert engine.answer(Save(path)) == path
    rest = finish(engine)
    resumed = prepared(type(engine).from_checkpoint(path, made_up_digits(400, 100)))
    assert numbers(finish(resumed)) == numbers(rest)
    other = prepared(engine_of(**settings))
    assert other.answer(Load(path)).step == 13
    assert numbers(finish(other)) == numbers(rest)


def test_the_tree_has_the_start_every_epoch_every_edit_and_every_mark():
    engine = prepared(engine_of(epochs=2))
    advanced(engine, 3)
    engine.apply(engine.config.changed("optimizer.lr", 0.05))
    engine.answer(Mark("mine"))
    finish(engine)
    nodes = engine.frame().nodes
    assert [(node.kind, node.label, node.step) for node in nodes] == [
        ("start", "start", 0),
        ("edit", "before lr 0.1 → 0.05", 3),
        ("mark", "mine", 3),
        ("epoch", "epoch 1", 8),
        ("epoch", "epoch 2", 16),
    ]
    assert [node.parent for node in nodes] == [-1, 0, 1, 2, 3]
    assert nodes[-1].test_accuracy == engine.frame().test_accuracy
    assert engine.frame().here == nodes[-1].id


def test_a_checkpoint_says_what_was_edited_in_plain_words():
    engine = prepared(engine_of(scheduler={"name": "MultiStepLR", "milestones": [1]}))
    engine.apply(engine.config.changed("scheduler.milestones", (1, 2)))
    assert engine.frame().nodes[-1].label == "before milestones 1 → 1, 2"
    engine.apply(engine.config.changed("scheduler.milestones", ()).changed("optimizer.lr", 0.5))
    assert "milestones 1, 2 → none" in engine.frame().nodes[-1].label


def test_branches_hang_on_the_node_they_left():
    engine = prepared(engine_of())
    finish(engine)
    first = next(node for node in engine.frame().nodes if node.epoch == 1)
    engine.answer(Rewind(first.id))
    engine.apply(engine.config.changed("optimizer.lr", 0.5))
    finish(engine)
    branch = [node for node in engine.frame().nodes if node.branch == 1]
    assert branch[0].parent == first.id
    assert [node.epoch for node in branch if node.kind == "epoch"] == [2, 3]
    assert engine.frame().branch == 1


def test_going_back_restores_settings_and_undoes_edits_and_may_halve_the_rate():
    engine = prepared(engine_of())
    advanced(engine, 4)
    node = engine.answer(Mark("before")).id
    engine.apply(engine.config.changed("batch_size", 25))
    engine.apply(engine.config.changed("optimizer.lr", 0.01))
    advanced(engine, 9)
    assert engine.answer(Rewind(node)).config.batch_size == 50
    rewound = engine.answer(Rewind(node, halve_lr=True))
    assert rewound.config.optimizer.lr == 0.05
    assert trained(finish(engine, 1))[0].lr == 0.05
    log = engine.answer("log")
    assert [(edit.step, edit.config.optimizer.lr) for edit in log.edits] == [(4, 0.05)]
    assert [(entry[0], entry[2]) for entry in log.rewinds] == [(node, 1), (node, 2)]


def test_a_run_that_left_the_finite_world_goes_on_from_the_node_on_offer():
    engine = prepared(engine_of(model={"name": "MLP", "hidden": []}))
    advanced(engine, 10)
    engine.apply(engine.config.changed("optimizer.lr", 1e6))
    engine.apply(engine.config.changed("optimizer.weight_decay", 1.0))
    with pytest.raises(RunFailed, match="Start again with a smaller learning rate, or go back"):
        finish(engine)
    offer = engine.frame().offer
    step = engine._timeline.at(offer)[0].step
    assert step <= 10
    engine.answer(Rewind(offer))
    assert engine.pause_wanted == f"Back at step {step}"
    engine.apply(engine.config.changed("optimizer.lr", 0.1))
    records = finish(engine)
    assert all(math.isfinite(record.loss) for record in trained(records))
    assert engine.done


def test_a_spike_pauses_once_and_offers_the_checkpoint_before_it():
    engine = prepared(training(epochs=9, optimizer={"name": "SGD", "lr": 0.05}))
    advanced(engine, 70)
    engine.apply(engine.config.changed("optimizer.lr", 20.0))
    while not engine.done and not engine.pause_wanted:
        engine.step()
    assert engine.pause_wanted.startswith("The loss left the rails at step ")
    offer = engine.frame().offer
    assert engine._timeline.at(offer)[0].kind == "edit"
    engine.answer(Rewind(offer, halve_lr=True))
    assert engine.config.optimizer.lr == 0.025
    assert trained(finish(engine))[-1].loss < 0.5


def test_a_higher_loss_because_of_dropout_is_no_spike():
    model = {"name": "MLP", "hidden": [120]}
    engine = prepared(training(epochs=40, model=model, optimizer={"name": "SGD", "lr": 0.1}))
    while engine._guard.level > 0.02 or engine._step < 100:
        engine.step()
    engine.apply(engine.config.changed("model.dropout", 0.9))
    for _ in range(100):
        engine.step()
        assert not engine.pause_wanted
    assert engine._guard.level > 0.6


def test_without_the_guard_a_spike_is_left_alone():
    engine = prepared(training(epochs=4, optimizer={"name": "SGD", "lr": 0.05}, spike_guard=False))
    advanced(engine, 70)
    engine.apply(engine.config.changed("optimizer.lr", 20.0))
    while not engine.done:
        engine.step()
        assert not engine.pause_wanted


@pytest.mark.parametrize(("batch", "lr"), [(1, 0.01), (4, 0.05), (50, 0.3)])
def test_ordinary_noise_is_no_spike(batch, lr):
    engine = engine_of(batch_size=batch, optimizer={"name": "SGD", "lr": lr}, epochs=4)
    while not engine.done:
        engine.step()
        assert not engine.pause_wanted


def test_a_pause_after_steps_and_after_epochs():
    engine = prepared(engine_of())
    engine.step()
    assert engine.answer(PauseAfter(steps=5)) == 6
    while not engine.pause_wanted:
        last = engine.step()
    assert (last.step, take_pause(engine)) == (6, "Step 6 is done")
    assert engine.answer(PauseAfter(epochs=2)) == 2
    while not engine.pause_wanted:
        last = engine.run_slice(0.001)[-1]
    assert (last.step, last.phase, engine.pause_wanted) == (2 * BATCHES, "test", "Epoch 2 is done")


def test_over_the_budget_the_oldest_automatic_checkpoints_go_first():
    import torch

    timeline = Timeline(budget=400)
    for step, kind in enumerate(["start", "mark", "epoch", "edit", "epoch", "epoch"]):
        timeline.add(kind, kind, step=step, epoch=0, accuracy=None,
                     state={"weights": torch.zeros(25)}, level=0.0)  # fmt: skip
    assert [(node.kind, node.step, node.parent) for node in timeline.nodes] == [
        ("start", 0, -1), ("mark", 1, 0), ("epoch", 4, 1), ("epoch", 5, 4)]  # fmt: skip
    with pytest.raises(ValueError, match="node: expected one of the checkpoints that are kept, got 2"):
        timeline.at(2)


def test_a_run_that_a_person_ended_waits_where_it_was_put_back_to():
    engine = prepared(engine_of())
    advanced(engine, 4)
    engine.close()
    engine.answer(Rewind(0))
    assert take_pause(engine) == "Back at step 0"
    advanced(engine, 4)
    engine.answer(Rewind(0))
    assert engine.pause_wanted == ""


def test_an_unknown_node_is_refused_and_the_run_goes_on():
    engine = prepared(engine_of())
    advanced(engine, 4)
    with pytest.raises(ValueError, match="node: expected one of the checkpoints"):
        engine.answer(Rewind(99))
    assert trained(finish(engine))[-1].step == 3 * BATCHES


def test_an_evaluation_on_demand_is_void_after_going_back():
    engine = prepared(training(made_up_digits(400, 4001), epochs=2))
    advanced(engine, 3)
    slices = engine.answer("evaluate")
    next(slices)
    engine.answer(Rewind(0))
    with pytest.raises(ValueError, match="went back to a checkpoint meanwhile"):
        list(slices)
