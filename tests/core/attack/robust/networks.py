"""Networks that have learned the made-up digits, and robust curves of them."""

import dataclasses
import functools

import numpy as np

from optgui.core.attack.robust import RobustConfig, RobustEngine, RobustInputs
from tests.samples import finish, made_up_digits, training


@functools.cache
def learned(kind="MLP", seed=0):
    """A snapshot after one epoch."""
    model = {"name": "MLP", "hidden": [16]} if kind == "MLP" else {"name": kind}
    engine = training(model=model, epochs=1, seed=seed, optimizer={"name": "SGD", "lr": 0.02})
    finish(engine)
    return dataclasses.replace(engine.snapshot(), id=f"{kind}-{seed}@32")


def inputs(*networks, most=None):
    """The networks and the test digits, or the first of them."""
    digits = made_up_digits()
    return RobustInputs(networks or (learned(),), digits.test_images[:most], digits.test_labels[:most])


def measure(settings, given=None):
    """The engine after its last step."""
    engine = RobustEngine(RobustConfig.parse({"epsilons": 6, "steps": 10, **settings}), given or inputs())
    finish(engine)
    return engine


def same(one, other):
    """Whether two frames hold the same numbers."""
    return len(one.curves) == len(other.curves) and all(
        np.array_equal(getattr(left, field.name), getattr(right, field.name))
        for left, right in zip(one.curves, other.curves, strict=True)
        for field in dataclasses.fields(left)
    )
