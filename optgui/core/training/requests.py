"""What a training run can be asked beside "snapshot", "digits", "evaluate" and "log"; and the replies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training.config import TrainingConfig
from optgui.core.training.records import TrainingRecord


class Mark(NamedTuple):
    """Keep a checkpoint in memory under a name; the reply is its `Node`."""

    label: str


class Rewind(NamedTuple):
    """Go back to a checkpoint and on from there as a new branch; the reply is a `Rewound`."""

    node: int
    halve_lr: bool = False


class Rewound(NamedTuple):
    """Where the run stands behind a rewind, and its settings, which are those of then."""

    branch: int
    node: int
    step: int
    config: TrainingConfig


class PauseAfter(NamedTuple):
    """Run on and pause after so many steps, or so many ends of epochs; 0 of both takes it back.

    The reply says the step (or epoch) at which the run will pause.
    """

    steps: int = 0
    epochs: int = 0


class NetworkAt(NamedTuple):
    """The network of a checkpoint, as a `NetworkSnapshot`."""

    node: int


class Save(NamedTuple):
    """Write a checkpoint file; the reply is the path."""

    path: str


class Load(NamedTuple):
    """Go on as a new branch from a checkpoint file of the same model and data; replied to as a `Rewind`."""

    path: str


class ProposeRate(NamedTuple):
    """Which learning rate makes the steady steps of `optimizer` as long as the present ones; a `Proposal`.

    `lambda_max`: the largest eigenvalue of the Hessian (of the preconditioned one for adaptive optimizers),
    if it is known. `switch`: what will become of the optimizer's state, "" as in the config.
    """

    optimizer: OptimizerConfig
    lambda_max: float | None = None
    switch: str = ""


class Proposal(NamedTuple):
    """A base learning rate for another optimizer, and where it comes from."""

    lr: float
    present_norm: float  # length of the present optimizer's steps, averaged over the probe batches
    norm: float  # of the proposed one's at `lr`
    limited: str  # "" or what made the rate smaller than the lengths alone ask for


class Unfold(NamedTuple):
    """Do one step in its three parts and show each; the reply is an `Unfolded`."""

    units: int = 12  # of the first layer whose gradients are shown


class Part(NamedTuple):
    """How the run stands behind one line of the loop.

    `gradients` are of the first layer's weights: (units, 28, 28) for a fully connected one, else (units,
    height, width); None where `.grad` is None. `weights` are of the same shape. `grad_norm` is over all
    parameters, 0 without gradients; `moved` the length of the way all parameters went in this line.
    """

    line: str  # "before", "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"
    gradients: NDArray[np.float32] | None
    weights: NDArray[np.float32]
    grad_norm: float
    moved: float


class Unfolded(NamedTuple):
    """One step in four pictures, and the records of what was done meanwhile, which no progress carries."""

    parts: tuple[Part, ...]
    records: tuple[TrainingRecord, ...]
