"""What can be set of a race of networks: what all share, and each entrant's own."""

from __future__ import annotations

from pydantic import field_validator

from optgui.core.optimizers import OptimizerConfig
from optgui.core.params import Config, param
from optgui.core.schedulers import SchedulerConfig
from optgui.core.training import fields
from optgui.core.training.config import TrainingConfig
from optgui.core.training.models import ModelConfig

FEWEST, MOST = 2, 12


class EntrantConfig(Config):
    """One network of a race. Colour and names follow its `id`, which it keeps when others come and go."""

    id: int = param(
        0, title="Id", help="Stays with the entrant wherever it stands in the list.", low=0, rare=True
    )
    label: str = param("", title="Name", help="Shown beside its curves. Empty: its optimizer.", live=True)
    optimizer: OptimizerConfig = param(
        {"name": "SGD", "lr": 0.1}, title="Optimizer", help="The rule that turns gradients into steps."
    )
    scheduler: SchedulerConfig = param(
        {"name": "None"},
        title="Schedule",
        help="Multiplies the learning rate: effective rate = learning rate × schedule factor.",
        rare=True,
    )
    batch_size: int = param(
        64,
        title="Batch size",
        help="Training images behind each gradient. Entrants of equal size are trained together.",
        low=1,
        high=60_000,
        scale="log",
        slider=(1, 4096),
        unit="images",
    )
    seed_shift: int = param(
        0,
        title="Seed shift",
        help="Added to the race's seed. 0 for all: the same weights and the same batches.",
        low=0,
        high=10_000,
        slider=(0, 20),
        rare=True,
    )
    visible: bool = param(True, title="Visible", help="Whether the entrant's curves are drawn.", live=True)


# The optimizers of the tutorial, each at the best rate of a sweep; `presets` says how they were found.
_OPTIMIZERS = (
    {"label": "SGD", "optimizer": {"name": "SGD", "lr": 0.1}},
    {"label": "Momentum", "optimizer": {"name": "SGD", "lr": 0.01, "momentum": 0.9}},
    {"label": "AdaGrad", "optimizer": {"name": "Adagrad", "lr": 0.03}},
    {"label": "RMSprop", "optimizer": {"name": "RMSprop", "lr": 0.001}},
    {"label": "Adam", "optimizer": {"name": "Adam", "lr": 0.001}},
)


class RaceConfig(Config):
    """Several networks of one shape that learn the same digits side by side.

    Entrants without an id, or with one that an earlier entrant has, get one: their place where it is free,
    else the smallest free one.
    """

    model: ModelConfig = param({"name": "MLP"}, title="Model", help="The network that every entrant trains.")
    dataset: str = fields.dataset()
    samples: int = fields.samples()
    label_noise: float = fields.label_noise()
    epochs: int = param(
        2,
        title="Epochs",
        help="Passes over the training images, each followed by a test. Short ones share a test: "
        "it waits for 50 steps, or for four times as many images as it has itself.",
        low=1,
        high=10_000,
        slider=(1, 50),
        live=True,
    )
    entrants: tuple[EntrantConfig, ...] = param(
        tuple(EntrantConfig.parse(entrant) for entrant in _OPTIMIZERS),
        title="Entrants",
        help="The networks that race, each with its own optimizer.",
        low=FEWEST,
        high=MOST,
    )
    seed: int = fields.seed("race")
    device: str = fields.device("Where the networks live.")
    threads: int = fields.threads()

    @property
    def shared(self) -> TrainingConfig:
        """A training run of what all entrants share."""
        names = ("model", "dataset", "samples", "label_noise", "epochs", "seed", "device", "threads")
        return TrainingConfig.parse({name: getattr(self, name) for name in names})

    def seed_of(self, entrant: EntrantConfig) -> int:
        """The seed of an entrant's weights and batches."""
        return (self.seed + entrant.seed_shift) % (fields.LAST_SEED + 1)

    @field_validator("entrants", mode="after")
    @classmethod
    def _number_the_entrants(cls, entrants: tuple[EntrantConfig, ...]) -> tuple[EntrantConfig, ...]:
        if not FEWEST <= len(entrants) <= MOST:
            raise ValueError(f"expected {FEWEST} to {MOST} entrants, got {len(entrants)}")
        ids: list[int | None] = []
        for entrant in entrants:
            free = "id" in entrant.model_fields_set and entrant.id not in ids
            ids.append(entrant.id if free else None)
        for place, given in enumerate(ids):
            if given is None:
                candidates = (place, *range(len(entrants)))
                ids[place] = next(number for number in candidates if number not in ids)
        return tuple(
            entrant.model_copy(update={"id": number}) for entrant, number in zip(entrants, ids, strict=True)
        )
