import itertools

import numpy as np
import pytest
import torch

from optgui.core.snapshot import frozen
from optgui.core.training import Digits, TrainingConfig, TrainingEngine, checkpoint
from optgui.core.training.requests import Load


@pytest.fixture(scope="module")
def digits():
    random = np.random.default_rng(0)

    def images(count):
        return frozen(random.integers(0, 256, (count, 28, 28), dtype=np.uint8))

    def labels(count):
        return frozen(random.integers(0, 10, count))

    return Digits(
        "builtin", images(400), labels(400), images(100), labels(100), "made up", tuple("0123456789")
    )


SMALL = {"dataset": "builtin", "model": {"name": "MLP", "hidden": [16]}, "batch_size": 64}


def begun(engine):
    return [r for r in iter_records(engine) if r.phase != "prepare"]


def iter_records(engine):
    while not engine.done:
        yield engine.step()


def equal(one, other):
    return len(one) == len(other) and all(
        np.array_equal(np.array(a[:5]), np.array(b[:5]), equal_nan=True) and a.phase == b.phase
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop", "LBFGS", "ASGD", "Rprop", "Adafactor"])
def test_a_resumed_run_equals_the_unbroken_one_bit_for_bit(digits, tmp_path, optimizer):
    config = TrainingConfig.parse({**SMALL, "optimizer": {"name": optimizer, "lr": 0.01}, "epochs": 3})
    whole = begun(TrainingEngine(config, digits))
    engine = TrainingEngine(config, digits)
    first = [r for r in itertools.islice(iter_records(engine), 13) if r.phase != "prepare"]
    engine.save_checkpoint(tmp_path / "run.safetensors")
    resumed = TrainingEngine.from_checkpoint(tmp_path / "run.safetensors", digits)
    assert equal(first + begun(resumed), whole)


def test_a_damaged_checkpoint_is_named(tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"no tensors here")
    with pytest.raises(ValueError, match=r"broken\.safetensors: expected a checkpoint of optgui"):
        TrainingEngine.from_checkpoint(path)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_one_changed_byte_anywhere_is_noticed(digits, tmp_path, place):
    engine = TrainingEngine(TrainingConfig.parse({**SMALL, "optimizer": {"name": "Adam"}}), digits)
    while engine.frame() is None:
        engine.step()
    path = tmp_path / "run.safetensors"
    engine.save_checkpoint(path)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"^run\.safetensors: "):
        TrainingEngine.from_checkpoint(path, digits)


def test_a_weights_file_is_not_taken_for_a_checkpoint(digits, tmp_path):
    engine = TrainingEngine(TrainingConfig.parse({"dataset": "builtin"}), digits)
    while engine.frame() is None:
        engine.step()
    engine.snapshot().save(tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match=r"weights\.safetensors: expected a checkpoint"):
        TrainingEngine.from_checkpoint(tmp_path / "weights.safetensors")


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"model": {"name": "MLP", "hidden": [8]}}, r"model\.hidden: expected \(16,\) as in this run"),
        ({"model": {"name": "Softmax"}}, r"model\.name: expected MLP as in this run, got Softmax"),
        ({"dataset": "mnist"}, r"dataset: expected builtin as in this run, got mnist"),
        ({"samples": 100}, r"samples: expected 0 as in this run, got 100"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_name_and_the_run_goes_on(
    digits, tmp_path, other, sentence
):
    engine, alone = (TrainingEngine(TrainingConfig.parse(SMALL), digits) for _ in range(2))
    theirs = TrainingEngine(TrainingConfig.parse({**SMALL, **other}), digits)
    for each in (engine, alone, theirs):
        while each.step().phase == "prepare":
            pass
    path = tmp_path / "other.safetensors"
    theirs.save_checkpoint(path)
    with pytest.raises(ValueError, match=r"^other\.safetensors: " + sentence):
        engine.answer(Load(str(path)))
    assert equal(begun(engine), begun(alone))


@pytest.mark.parametrize("part", ["generator", "order", "network", "schedule", "progress"])
def test_a_damaged_checkpoint_leaves_the_run_as_it_was(digits, tmp_path, part):
    engine, alone = (TrainingEngine(TrainingConfig.parse(SMALL), digits) for _ in range(2))
    for each in (engine, alone):
        while each.step().phase == "prepare":
            pass
    state = engine._state()
    state[part] = torch.zeros(3, dtype=torch.uint8) if part in ("generator", "order") else {}
    path = tmp_path / "damaged.safetensors"
    checkpoint.write_run(path, state)
    with pytest.raises(ValueError, match=r"^damaged\.safetensors: expected a checkpoint"):
        engine.answer(Load(str(path)))
    assert engine.frame().branch == 0
    assert equal(begun(engine), begun(alone))
