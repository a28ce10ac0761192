"""What a training run tells of itself: the numbers of a step, and the picture."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.training.config import TrainingConfig
from optgui.core.training.questions import Curvature, NoiseReading

SHOWN = 20  # test digits whose predictions travel with each frame
NORM_EVERY = 8  # steps between two gradient norms; at every step one costs 5 % of a step of batch 64

_nan = float("nan")


class TrainingRecord(NamedTuple):
    """Small numbers of one step; of an evaluation's slices only the last carries the test results."""

    step: int  # mini-batches done
    epoch: int  # epochs completed before this step
    loss: float  # mean cross-entropy of the mini-batch
    accuracy: float  # of the mini-batch, before its update
    lr: float  # effective: base lr x schedule factor
    phase: str  # "prepare" | "train" | "test"
    test_accuracy: float = _nan
    test_loss: float = _nan
    grad_norm: float = _nan  # Euclidean, of the mini-batch's gradient; NaN between steps 1, 9, 17, ...
    branch: int = 0  # 0 until the first rewind; each rewind begins the next


class Node(NamedTuple):
    """A checkpoint in memory, as the tree of a run shows it."""

    id: int
    parent: int  # the node before it; -1 of the first
    branch: int
    step: int
    epoch: int  # epochs completed
    label: str
    kind: str  # "start" | "epoch" | "edit" (as it stood before the edit) | "mark"
    test_accuracy: float | None  # of exactly these weights, if it was measured


class LayerReading(NamedTuple):
    """One layer with weights. NaN where there is nothing to say."""

    name: str
    update_ratio: float  # norm of the last measured update by the norm of the weights
    dead: float  # share of the units behind it that give the same for every one of 100 test images


class LoggedEdit(NamedTuple):
    """A config that acts from step `step + 1` on."""

    step: int
    config: TrainingConfig


class RunLog(NamedTuple):
    """How the weights as they stand came about: all that a script needs to do the same.

    `edits` are those on the way from the start to here, in order; what a rewind undid is not among them.
    `switch` of an edit's config says what a change of the optimizer's name does with its state. `rewinds`
    are (node, its step, the branch that began there).
    """

    start: TrainingConfig
    edits: tuple[LoggedEdit, ...]
    branch: int
    rewinds: tuple[tuple[int, int, int], ...]


@dataclasses.dataclass(frozen=True)
class TrainingFrame:
    """A picture of the run; arrays are read-only."""

    run: str
    step: int
    total_steps: int
    epoch: int
    test_accuracy: float | None
    test_loss: float | None
    confusion: NDArray[np.int64] | None  # (10, 10), row: true class
    digits: NDArray[np.uint8]  # (SHOWN, 28, 28), the first test images; the same array in every frame
    labels: NDArray[np.int64]  # (SHOWN,)
    probabilities: NDArray[np.float32]  # (SHOWN, 10), of the network as it stands
    class_names: tuple[str, ...]
    source: str
    layers: tuple[LayerReading, ...] = ()  # in the order of the network
    nodes: tuple[Node, ...] = ()  # of the tree of checkpoints, in the order they were made
    here: int = -1  # the last node on the way to the present weights
    branch: int = 0
    offer: int | None = None  # the node to go back to after a loss that left the rails
    notes: dict[str, str] = dataclasses.field(default_factory=dict)  # path of a control that cannot act: why
    curvature: tuple[Curvature, ...] = ()  # read along the run, oldest first, while `sharpness` is on
    noise: tuple[NoiseReading, ...] = ()  # while `noise_reading` is on
