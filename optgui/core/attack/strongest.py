"""The worst that several attacks find together: what an honest number has to stand beside."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import NamedTuple

import torch

from optgui.core.attack.config import AttackConfig
from optgui.core.attack.loop import Attack
from optgui.core.attack.losses import Goal
from optgui.core.attack.methods import METHODS
from optgui.core.attack.norms import NormConfig, norm_of
from optgui.core.attack.verdict import verified
from optgui.core.attack.victim import Victim
from optgui.core.training.models import CLASSES


class Standing(NamedTuple):
    """How far the attacks are, after one step of one of them."""

    stage: str  # what is attacking
    share: float  # of the steps of all stages, 0 to 1
    left: int  # images that no attack before this one has fooled


@dataclasses.dataclass(frozen=True)
class Worst:
    """What the attacks found together."""

    adversarial: torch.Tensor  # (n, 1, 28, 28), the image itself where nothing fooled
    fooled: torch.Tensor  # (n,) bool, verified: within ball and box, told by a fresh look at `adversarial`
    by: tuple[str, ...]  # (n,) the stage that fooled each image; "" if none did


class _Stage(NamedTuple):
    name: str
    method: str
    settings: dict[str, object]
    rank: int | None = None  # climbs towards the wrong class of this rank, from 0


_RANDOM = {"random_start": True}
_STAGES = (
    _Stage("APGD-CE", "APGD-CE", {"steps": 100, **_RANDOM}),
    *(
        _Stage(f"APGD-DLR towards class no. {rank + 1}", "APGD-DLR", {"steps": 100, **_RANDOM}, rank)
        for rank in range(CLASSES - 1)
    ),
    _Stage("PGD on the margin", "PGD", {"loss": "Margin", "steps": 100, "restarts": 5, **_RANDOM}),
    _Stage("Square", "Square", {"steps": 2000}),
)


def strongest(
    victim: Victim,
    images: torch.Tensor,
    labels: torch.Tensor,
    norm: NormConfig | str,
    epsilon: float,
    seed: int = 0,
) -> Generator[Standing, None, Worst]:
    """Attack images (n, 1, 28, 28) one way after the other, each time those that are read rightly still.

    APGD on the cross-entropy, APGD towards each wrong class in the order of their logits, PGD on the margin
    with restarts, and Square, which needs no gradient and so finds what a masked one hides. After F. Croce,
    M. Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks", ICML 2020, without its FAB.

    Args:
        victim: the network.
        images: in [0, 1], on the victim's device.
        labels: (n,) int64, the true classes.
        norm: of the ball, or its name; attacks that do not know it are left out.
        epsilon: the ball's radius.
        seed: of every random start.

    Returns:
        A generator of one `Standing` a step, whose return value is `Worst`.
    """
    if isinstance(norm, str):
        norm = NormConfig.parse(norm)
    adversarial = images.clone()
    logits = victim.logits(images)
    wrong = logits.scatter(1, labels.unsqueeze(1), -torch.inf).sort(1, descending=True).indices
    fooled = logits.max(1).indices != labels
    by = ["unchanged" if is_fooled else "" for is_fooled in fooled.tolist()]
    measure = norm_of(norm)
    stages = _stages(norm)
    configs = [_config(stage, norm, epsilon, seed) for stage in stages]
    steps = [config.steps * config.restarts for config in configs]
    for number, (stage, config) in enumerate(zip(stages, configs, strict=True)):
        rows = (~fooled).nonzero().squeeze(1)
        if not len(rows):
            break
        targets = None if stage.rank is None else wrong[rows, stage.rank]
        attack = Attack(config, victim, images[rows], labels[rows], targets=targets)
        while not attack.done:
            attack.step()
            done = sum(steps[:number]) + attack.step_count
            yield Standing(stage.name, done / sum(steps), len(rows))
        changed = attack.changed(attack.result())
        goal = Goal(labels[rows])
        found = verified(victim, images[rows], changed, goal, measure).within(epsilon)
        adversarial[rows[found]] = changed[found]
        fooled[rows[found]] = True
        for row in rows[found].tolist():
            by[row] = stage.name
    sure = verified(victim, images, adversarial, Goal(labels), measure).within(epsilon)
    return Worst(adversarial, sure, tuple(by))


def steps_in(norm: NormConfig) -> int:
    """Steps of all attacks that work in a norm."""
    configs = [_config(stage, norm, 1.0, 0) for stage in _stages(norm)]
    return sum(config.steps * config.restarts for config in configs)


def _stages(norm: NormConfig) -> list[_Stage]:
    return [stage for stage in _STAGES if norm.name in METHODS[stage.method].norms]


def _config(stage: _Stage, norm: NormConfig, epsilon: float, seed: int) -> AttackConfig:
    shared = {"norm": norm.model_dump(), "epsilon": epsilon, "seed": seed, "stop_when_fooled": True}
    step_size = max(epsilon / 10, 1e-6)
    return AttackConfig.parse({**shared, "method": stage.method, "step_size": step_size, **stage.settings})
