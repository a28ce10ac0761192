"""What can be set of a training run."""

from __future__ import annotations

from optgui.core import runtime
from optgui.core.optimizers import OptimizerConfig
from optgui.core.params import Config, param
from optgui.core.schedulers import SchedulerConfig
from optgui.core.training.digits import DATASETS
from optgui.core.training.models import ModelConfig


class TrainingConfig(Config):
    """A training run; the defaults are the tutorial's, with its batch of 64."""

    optimizer: OptimizerConfig = param(
        {"name": "SGD", "lr": 0.1}, title="Optimizer", help="The rule that turns gradients into steps."
    )
    scheduler: SchedulerConfig = param(
        {"name": "MultiStepLR", "milestones": (1,), "gamma": 0.1},
        title="Schedule",
        help="Multiplies the learning rate: effective rate = learning rate × schedule factor.",
    )
    batch_size: int = param(
        64,
        title="Batch size",
        help="Training images behind each gradient.",
        low=1,
        high=60_000,
        scale="log",
        slider=(1, 4096),
        unit="images",
    )
    epochs: int = param(
        2,
        title="Epochs",
        help="Passes over the training images.",
        low=1,
        high=10_000,
        slider=(1, 50),
        live=True,
    )
    model: ModelConfig = param({"name": "MLP"}, title="Model", help="The network to train.")
    dataset: str = param("mnist", title="Data", help="The images to learn from.", choices=DATASETS.choices)
    seed: int = param(
        0,
        title="Seed",
        help="Same seed, same run, bit for bit.",
        low=0,
        high=2**31 - 1,
        slider=(0, 100),
        rare=True,
    )
    device: str = param(
        "cpu", title="Device", help="Where the network lives.", choices=runtime.DEVICES, rare=True
    )
    threads: int = param(
        1,
        title="Threads",
        help="CPU threads of torch. More can be a little faster, and make the window less smooth.",
        low=1,
        high=256,
        slider=(1, 16),
        rare=True,
    )
