import itertools

import numpy as np
import pytest

from optgui.core.snapshot import frozen
from optgui.core.training import Digits, TrainingConfig, TrainingEngine


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


def test_a_weights_file_is_not_taken_for_a_checkpoint(digits, tmp_path):
    engine = TrainingEngine(TrainingConfig.parse({"dataset": "builtin"}), digits)
    while engine.frame() is None:
        engine.step()
    engine.snapshot().save(tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match=r"weights\.safetensors: expected a checkpoint"):
        TrainingEngine.from_checkpoint(tmp_path / "weights.safetensors")
