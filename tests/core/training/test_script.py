import numpy as np
import pytest
import torch

from optgui.core.training.requests import Mark, Rewind
from optgui.core.training.script import script
from tests.samples import finish, made_up_digits, prepared, trained, training


def replay(text):
    """What the script trains: its weights in their order, and the losses."""
    digits = made_up_digits()
    names = {"__name__": "replay", "print": lambda *words: None}
    with torch.random.fork_rng(devices=[]):
        exec(compile(text, "script.py", "exec"), names)
        network, losses = names["train"](
            digits.train_images, digits.train_labels, digits.test_images, digits.test_labels
        )
    return [weight.detach().numpy() for weight in network.parameters()], losses


def run(edits=(), **config):
    """A run of an engine with edits, pairs of a step and fields by their paths; weights and losses."""
    engine = prepared(training(**config))
    losses, waiting = [], dict(edits)
    while True:
        if (step := len(losses)) in waiting:
            new = engine.config.model_dump(mode="json")
            new.update(waiting.pop(step))
            engine.apply(type(engine.config).parse(new))
        if engine.done:
            return engine, losses
        losses += [record.loss for record in [engine.step()] if record.phase == "train"]


def test_noise_needs_no_torchvision():
    engine, _ = run(augmentation={"name": "Noise"}, epochs=1)
    assert "torchvision" not in script(engine.answer("log"))


def assert_same(engine, losses, steps=None):
    text = script(engine.answer("log"), steps)
    weights, replayed = replay(text)
    assert replayed == losses
    mine = [weight.detach().numpy() for weight in engine.network.parameters()]
    for one, two in zip(mine, weights, strict=True):
        np.testing.assert_array_equal(one, two)
    return text


SGD = {"name": "SGD", "lr": 0.1, "momentum": 0.9}
ADAM = {"name": "Adam", "lr": 0.002}
COSINE = {"name": "CosineAnnealingLR", "T_max": 90, "interval": "step", "warmup": 12, "eta_min": 0.01}
MILESTONES = {"name": "MultiStepLR", "milestones": [1], "gamma": 0.1}
RUNS = {
    "plain": ({"epochs": 1}, []),
    "no schedule, lr edited": ({"optimizer": SGD}, [(9, {"optimizer": {**SGD, "lr": 0.03}})]),
    "milestones": ({"optimizer": SGD, "scheduler": MILESTONES}, []),
    "warm-up, cosine, lr edited": (
        {"optimizer": ADAM, "scheduler": COSINE},
        [(5, {"optimizer": {**ADAM, "lr": 0.004}}), (40, {"optimizer": {**ADAM, "betas": [0.8, 0.99]}})],
    ),
    "batch size": ({"scheduler": MILESTONES}, [(10, {"batch_size": 100}), (40, {"batch_size": 33})]),
    "batch size at the end of an epoch": ({"scheduler": MILESTONES}, [(32, {"batch_size": 128})]),
    "reset": ({"optimizer": SGD, "switch": "reset"}, [(20, {"optimizer": ADAM})]),
    "map": ({"optimizer": SGD, "switch": "map"}, [(20, {"optimizer": {"name": "SGD", "lr": 0.1}}),
            (22, {"optimizer": {"name": "RMSprop", "lr": 1e-3}}), (31, {"optimizer": ADAM})]),
    "keep": ({"optimizer": ADAM, "switch": "keep"}, [(20, {"optimizer": {"name": "AdamW", "lr": 0.001}})]),
    "schedule edited": (
        {"scheduler": MILESTONES, "epochs": 3},
        [(40, {"scheduler": COSINE}), (70, {"scheduler": "None"}),
         (80, {"scheduler": {"name": "OneCycleLR", "max_lr": 2.0}})],
    ),
    "one cycle stretched": (
        {"scheduler": {"name": "OneCycleLR", "warmup": 3}}, [(20, {"batch_size": 40}), (30, {"epochs": 3})]
    ),
    "plateau": (
        {"epochs": 5, "scheduler": {"name": "ReduceLROnPlateau", "patience": 0, "threshold": 0.5}}, []
    ),
    "cyclic": ({"scheduler": {"name": "CyclicLR", "mode": "triangular2", "step_size_up": 5}}, []),
    "late average": (
        {"optimizer": {"name": "RMSprop", "lr": 1e-3}},
        [(6, {"optimizer": {"name": "RMSprop", "lr": 1e-3, "momentum": 0.5, "centered": True}})],
    ),
    "forgotten zero_grad": ({"optimizer": {"name": "SGD", "lr": 1e-3}},
                            [(10, {"zero_grad": False}), (30, {"zero_grad": True})]),
    "replacement": (
        {"replacement": True, "epochs": 3},
        [(20, {"replacement": False}), (40, {"replacement": True}), (80, {"replacement": False})],
    ),
    "finished and prolonged": ({"epochs": 1}, [(32, {"epochs": 2})]),
    "few and noisy": ({"samples": 300, "label_noise": 0.2, "batch_size": 16, "seed": 3}, []),
    "dropout": (
        {"model": {"name": "MLP", "hidden": [40, 20], "dropout": 0.0, "init": "He"}},
        [(10, {"model": {"name": "MLP", "hidden": [40, 20], "dropout": 0.3, "init": "He"}})],
    ),
    "noise": ({"augmentation": {"name": "Noise", "deviation": 0.2}}, [(40, {"augmentation": "None"})]),
    "shift": ({"augmentation": {"name": "Shift", "pixels": 2}}, [(40, {"augmentation": {"name": "Affine"}})]),
    "textbook": ({"optimizer": {"name": "TextbookAdam", "lr": 0.002}}, []),
    "muon": ({"optimizer": {"name": "Muon", "lr": 0.002}}, []),
    "closure": ({"optimizer": {"name": "LBFGS", "lr": 0.1, "max_iter": 4}, "epochs": 1, "samples": 256}, []),
    "softmax": (
        {"model": {"name": "Softmax", "init": "zeros"}, "optimizer": {"name": "Adagrad", "lr": 0.01}}, []
    ),
    "convolution": (
        {"model": {"name": "CNN", "filters": [4, 6], "hidden": 16, "dropout": 0.2}, "samples": 500}, []
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_script_repeats_the_run_bit_for_bit(name):
    config, edits = RUNS[name]
    assert_same(*run(edits, **config))


def test_a_run_without_edits_needs_torch_alone():
    engine, _ = run(**RUNS["milestones"][0])
    text = script(engine.answer("log"))
    assert "optgui." not in text.replace("from optgui.core.training import load_digits", "").replace(
        "by optgui.", ""
    )
    assert "SGD(network.parameters(), lr=0.1, momentum=0.9)" in text
    assert "MultiStepLR(shadow, milestones=(1,))" in text


def test_what_a_rewind_undid_is_not_in_the_script():
    engine = prepared(training(optimizer=SGD))
    losses = [record.loss for record in finish(engine, 8)]
    node = engine.answer(Mark("here")).id
    engine.apply(engine.config.changed("optimizer.lr", 5.0))
    finish(engine, 4)
    engine.answer(Rewind(node, halve_lr=True))
    losses += [record.loss for record in trained(finish(engine))]
    text = assert_same(engine, losses)
    assert "lr=0.05" in text
    assert "5.0" not in text


def test_a_run_in_its_middle_ends_there():
    engine = prepared(training(optimizer=ADAM))
    losses = [record.loss for record in trained(finish(engine, 21))]
    text = assert_same(engine, losses, 21)
    assert "if step == 21:" in text


def test_mnist_is_read_from_its_files(tmp_path):
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    images = np.arange(2 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(2, 28, 28)
    for part in ("train", "t10k"):
        header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in images.shape)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            bytes([0, 0, 8, 1]) + (2).to_bytes(4, "big") + b"\x07\x01"
        )
    log = prepared(training()).answer("log")
    names = {"__name__": "replay"}
    exec(script(log._replace(start=log.start.changed("dataset", "mnist"))), names)
    train_images, _, _, test_labels = names["load"](tmp_path)
    np.testing.assert_array_equal(train_images, images)
    assert test_labels.tolist() == [7, 1]
