"""A GPU without memory: the run goes on on the CPU as if nothing had been, and says so once."""

import pytest
import torch

from optgui.core.training import run as run_module
from optgui.core.training.questions import LookInside, NoiseNow
from optgui.core.training.requests import Mark, Rewind, Unfold
from optgui.core.training.run import TrainingRun
from tests.core.training.gpu import GPU, fail_once
from tests.samples import finish, made_up_digits, prepared, trained, training

SETTINGS = {
    "plain": {},
    "adam and a step schedule": {
        "optimizer": {"name": "Adam", "lr": 0.003},
        "scheduler": {"name": "CosineAnnealingLR", "interval": "step", "T_max": 40, "warmup": 5},
    },
    "dropout and augmentation": {
        "model": {"name": "MLP", "hidden": [16], "dropout": 0.3},
        "augmentation": {"name": "Shift", "pixels": 1},
    },
    "piling gradients": {"zero_grad": False, "optimizer": {"name": "SGD", "lr": 0.001}},
    "lbfgs": {"optimizer": {"name": "LBFGS", "lr": 0.3, "max_iter": 3}},
    "muon": {"optimizer": {"name": "Muon", "lr": 0.01}, "model": {"name": "MLP", "hidden": [16, 16]}},
}


def engine_of(**config):
    settings = {"model": {"name": "MLP", "hidden": [16]}, "batch_size": 50, "epochs": 3, **config}
    return training(made_up_digits(400, 100), **settings)


def on_gpu(engine):
    engine._device = GPU
    return engine


def in_steps(engine):
    return finish(engine)


def in_slices(engine):
    records = []
    while not engine.done:
        records += engine.run_slice(0.001)
    return records


def numbers(records):
    """What was measured; an evaluation that begins again has more slices without results."""
    return [
        [value for value in record if value == value]
        for record in records
        if record.phase == "train" or record.test_loss == record.test_loss
    ]


def assert_same_weights(engine, other):
    for mine, theirs in zip(engine.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("advance", [in_steps, in_slices])
@pytest.mark.parametrize("part", ["gradient_of", "update"])
@pytest.mark.parametrize("settings", list(SETTINGS.values()), ids=list(SETTINGS))
def test_a_step_that_fails_is_done_again_on_the_cpu(monkeypatch, settings, part, advance):
    if part == "update" and "LBFGS" in str(settings):
        part = "gradient_of"  # it has no update of its own
    alone = prepared(engine_of(**settings))
    expected = finish(alone)
    engine = on_gpu(prepared(engine_of(**settings)))
    fail_once(monkeypatch, engine._loop, part, before=10)
    assert numbers(advance(engine)) == numbers(expected)
    assert_same_weights(engine, alone)
    assert engine._device.type == "cpu"


@pytest.mark.parametrize("part", ["_evaluate_slice", "_end_epoch", "_keep"])
def test_a_failure_at_the_end_of_an_epoch_changes_nothing(monkeypatch, part):
    expected = finish(prepared(engine_of()))
    engine = on_gpu(prepared(engine_of()))
    fail_once(monkeypatch, engine, part, after_work=part != "_keep")  # it copies before it keeps
    assert numbers(finish(engine)) == numbers(expected)
    assert [node.step for node in engine.frame().nodes] == [0, 8, 16, 24]


def test_a_copy_that_finds_no_memory_is_made_on_the_cpu(monkeypatch):
    alone = prepared(engine_of(optimizer={"name": "Adam", "lr": 0.003}))
    expected = finish(alone)
    engine = on_gpu(prepared(engine_of(optimizer={"name": "Adam", "lr": 0.003})))
    fail_once(monkeypatch, engine, "_state", before=12)
    assert numbers(finish(engine)) == numbers(expected)
    assert_same_weights(engine, alone)


def test_a_person_is_told_once_and_the_config_keeps_the_device(monkeypatch):
    engine = on_gpu(prepared(engine_of()))
    finish(engine, 3)
    assert "device" not in engine.frame().notes
    fail_once(monkeypatch, engine._loop, "gradient_of")
    config, record = engine.config, engine.step()
    assert (record.step, record.phase) == (4, "train")
    assert engine.pause_wanted == (
        "The GPU has no memory left behind step 3: from here on the CPU computes. A smaller batch needs less."
    )
    assert engine.frame().notes["device"] == engine.pause_wanted
    assert engine.config == config
    engine.step()
    assert not engine.pause_wanted
    engine.apply(config.changed("optimizer.lr", 0.01))
    assert engine.step().lr == 0.01


def test_data_that_do_not_fit_are_prepared_on_the_cpu(monkeypatch):
    expected = finish(engine_of())
    engine = on_gpu(engine_of())
    fail_once(monkeypatch, run_module, "TrainingData")
    records = finish(engine)
    assert numbers(records) == numbers(expected)
    assert engine.frame().notes["device"].startswith("The GPU has no memory left: ")


def test_a_network_that_does_not_fit_is_built_on_the_cpu(monkeypatch):
    expected = finish(engine_of())
    monkeypatch.setattr(
        run_module.runtime, "device", lambda name: GPU if name == "cuda" else torch.device(name)
    )
    fail_once(monkeypatch, run_module, "Loop")
    engine = engine_of(device="cuda")
    assert numbers(finish(engine)) == numbers(expected)
    assert engine.config.device == "cuda"
    assert engine.answer("log").start.device == "cuda"


def test_a_resumed_run_that_does_not_fit_goes_on_where_it_was(monkeypatch, tmp_path):
    path = tmp_path / "run.safetensors"
    engine = prepared(engine_of(optimizer={"name": "Adam", "lr": 0.003}))
    finish(engine, 11)
    engine.save_checkpoint(path)
    expected = finish(engine)
    resumed = on_gpu(type(engine).from_checkpoint(path, made_up_digits(400, 100)))
    resumed._inputs = made_up_digits(400, 100)
    fail_once(monkeypatch, run_module, "TrainingData")
    assert numbers(finish(resumed)) == numbers(expected)


def test_edits_marks_rewinds_and_unfolded_steps_survive(monkeypatch):
    def story(fails):
        engine = prepared(engine_of(optimizer={"name": "Adam", "lr": 0.003}))
        finish(engine, 5)

        def next_one(owner, name):
            if fails:
                on_gpu(engine)
                fail_once(monkeypatch, owner, name, after_work=name != "_keep")

        next_one(engine, "_set_rate")
        engine.apply(engine.config.changed("optimizer.lr", 0.01))
        next_one(engine, "_keep")
        node = engine.answer(Mark("here")).id
        records = finish(engine, 9)
        next_one(engine._loop, "restore")
        engine.answer(Rewind(node))
        next_one(engine._loop, "backward")
        unfolded = engine.answer(Unfold())
        with pytest.raises(StopIteration) as end:
            next(unfolded)
        return numbers([*records, *end.value.value.records, *finish(engine)])

    assert story(True) == story(False)


def test_a_question_without_memory_is_refused_and_the_run_stays_on_the_gpu(monkeypatch):
    expected = numbers(finish(prepared(engine_of())))
    engine = on_gpu(prepared(engine_of()))
    records = finish(engine, 4)
    with monkeypatch.context() as patch:
        fail_once(patch, engine._loop.body[1], "forward")
        slices = engine.answer(NoiseNow())
        with pytest.raises(ValueError, match=r"^device: expected memory for this on the GPU"):
            list(slices)
    assert engine._device is GPU
    engine.answer(LookInside())
    assert numbers(records + finish(engine)) == expected


def test_any_other_error_is_left_alone(monkeypatch):
    engine = on_gpu(prepared(engine_of()))
    fail_once(monkeypatch, engine._loop, "gradient_of", RuntimeError("a kernel that is not there"))
    with pytest.raises(RuntimeError, match="a kernel that is not there"):
        engine.step()
    assert engine._device is GPU


def test_on_the_cpu_nothing_is_copied_and_nothing_caught(monkeypatch):
    engine = prepared(engine_of())
    monkeypatch.setattr(engine, "_state", None)
    fail_once(monkeypatch, engine._loop, "gradient_of")
    with pytest.raises(torch.OutOfMemoryError):
        engine.step()


@pytest.mark.parametrize("settings", list(SETTINGS.values()), ids=list(SETTINGS))
def test_a_gpu_reads_its_losses_once_a_slice_and_has_the_same_records(monkeypatch, settings):
    expected = finish(prepared(engine_of(**settings)))
    engine = on_gpu(prepared(engine_of(**settings)))
    recorded, lengths = TrainingRun._recorded, []

    def counting(run, numbers, *rest):
        lengths.append(len(numbers))
        return recorded(run, numbers, *rest)

    monkeypatch.setattr(TrainingRun, "_recorded", counting)
    records = []
    while not engine.done:
        records += engine.run_slice(10.0)
    assert numbers(records) == numbers(expected)
    assert lengths[0] == 8  # the first epoch at once
    assert [record.step for record in trained(records)] == list(range(1, 25))
