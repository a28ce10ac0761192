"""A made-up data set that a network can learn in a second, for every test that needs no real digits."""

import functools

import numpy as np

from optgui.core.snapshot import frozen
from optgui.core.training import Digits, TrainingConfig, TrainingEngine


@functools.cache
def made_up_digits(train=2_000, test=500, noise=150):
    """Ten patterns under noise, in the format of MNIST."""
    random = np.random.default_rng(0)
    patterns = random.integers(0, 256, (10, 28, 28))

    def part(count):
        labels = random.integers(0, 10, count)
        images = patterns[labels] + random.normal(0, noise, (count, 28, 28))
        return frozen(images.clip(0, 255).astype(np.uint8)), frozen(labels.astype(np.int64))

    train_images, train_labels = part(train)
    test_images, test_labels = part(test)
    return Digits(
        "builtin", train_images, train_labels, test_images, test_labels, "made up", tuple("0123456789")
    )


def training(digits=None, **config):
    """An engine on the made-up digits."""
    settings = {"dataset": "builtin", "scheduler": "None", **config}
    return TrainingEngine(TrainingConfig.parse(settings), digits or made_up_digits())


def finish(engine, most=None):
    """Step until done, or `most` times; the records."""
    records = []
    while not engine.done and len(records) != most:
        records.append(engine.step())
    return records


def prepared(engine):
    """The engine, its data ready."""
    while engine.frame() is None:
        engine.step()
    return engine


def trained(records):
    """Those records that are mini-batches."""
    return [record for record in records if record.phase == "train"]
