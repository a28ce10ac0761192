"""What can be set of a training run."""

from __future__ import annotations

from optgui.core.optimizers import OptimizerConfig
from optgui.core.params import Config, param
from optgui.core.schedulers import SchedulerConfig
from optgui.core.training import fields
from optgui.core.training.augmentation import AugmentationConfig
from optgui.core.training.models import ModelConfig


class TrainingConfig(Config):
    """A training run; the defaults are the tutorial's, with its batch of 64.

    A field that is live is live with everything inside it: a run takes another optimizer or schedule too.
    """

    optimizer: OptimizerConfig = param(
        {"name": "SGD", "lr": 0.1},
        title="Optimizer",
        help="The rule that turns gradients into steps.",
        live=True,
    )
    scheduler: SchedulerConfig = param(
        {"name": "MultiStepLR", "milestones": (1,), "gamma": 0.1},
        title="Schedule",
        help="Multiplies the learning rate: effective rate = learning rate × schedule factor.",
        live=True,
    )
    switch: str = param(
        "map",
        title="At a switch",
        help="What becomes of the running averages when another optimizer takes over in mid-run: translated "
        "into its own form, kept where the names agree, or started anew.",
        choices=(("map", "Translate"), ("keep", "Keep same names"), ("reset", "Start anew")),
        live=True,
        rare=True,
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
        live=True,
    )
    replacement: bool = param(
        False,
        title="Draw with replacement",
        help="Each image of a batch is drawn from all of them, so an epoch sees some twice and some never. "
        "Otherwise every epoch goes through all of them in a new order.",
        live=True,
        rare=True,
    )
    epochs: int = param(
        2,
        title="Epochs",
        help="Passes over the training images, each followed by a test and a checkpoint. Short ones share a "
        "test: it waits for 50 steps, or for four times as many images as it has itself.",
        low=1,
        high=10_000,
        slider=(1, 50),
        live=True,
    )
    model: ModelConfig = param({"name": "MLP"}, title="Model", help="The network to train.")
    augmentation: AugmentationConfig = param(
        {"name": "None"},
        title="Augmentation",
        help="Moves the training images of each batch a little.",
        live=True,
        rare=True,
    )
    target_accuracy: float = param(
        0.0,
        title="Stop at accuracy",
        help="The run ends at the first test with this share of right answers. 0: it does not look.",
        low=0,
        high=1,
        live=True,
        rare=True,
    )
    patience: int = param(
        0,
        title="Stop at a plateau",
        help="The run ends when the test loss has not fallen below its lowest for so many epochs. 0: never.",
        low=0,
        high=10_000,
        slider=(0, 50),
        unit="epochs",
        live=True,
        rare=True,
    )
    spike_guard: bool = param(
        True,
        title="Spike guard",
        help="Pauses when the smoothed loss leaves the rails, and offers the last good checkpoint.",
        live=True,
        rare=True,
    )
    spike_factor: float = param(
        4.0,
        title="A spike is",
        help="The smoothed loss above its minimum of the last 500 steps, as a multiple; at least 0.5 more.",
        above=1,
        high=1000,
        scale="log",
        slider=(1.5, 100),
        unit="× min",
        live=True,
        rare=True,
        shown_when=("spike_guard", (True,)),
    )
    zero_grad: bool = param(
        True,
        title="Zero the gradient",
        help="optimizer.zero_grad() before each gradient. Without it, every gradient is added to the last.",
        live=True,
        rare=True,
    )
    sharpness: bool = param(
        False,
        title="Measure sharpness",
        help="Largest eigenvalue of the Hessian along the run, for less than a tenth of its time.",
        live=True,
        rare=True,
    )
    noise_reading: bool = param(
        False,
        title="Measure noise",
        help="Variance and signal-to-noise ratio of the gradient along the run, for a twentieth of its time.",
        live=True,
        rare=True,
    )
    dataset: str = fields.dataset()
    samples: int = fields.samples()
    label_noise: float = fields.label_noise()
    seed: int = fields.seed("run")
    device: str = fields.device("Where the network lives.")
    threads: int = fields.threads()
