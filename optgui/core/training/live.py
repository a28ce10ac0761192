"""Edits of a run that goes on: which are taken, and which controls cannot act now."""

from __future__ import annotations

from collections.abc import Sequence

from optgui.core.params import Change, changes, refuse_locked
from optgui.core.schedulers import Schedule
from optgui.core.training.config import TrainingConfig


def edits(old: TrainingConfig, new: TrainingConfig) -> list[Change]:
    """What differs.

    Raises:
        ValueError: naming the first field that a running job cannot take.
    """
    refuse_locked(old, new)
    return list(changes(old, new))


def describe(found: Sequence[Change]) -> str:
    """Edits in words: `lr 0.1 → 0.03, batch_size 64 → 256`."""
    return ", ".join(_words(change) for change in found)


def _words(change: Change) -> str:
    field = change.path.rpartition(".")[2]
    if field == "name":
        return f"{change.old} → {change.new}"
    if isinstance(change.old, float) and isinstance(change.new, float):
        return f"{field} {change.old:.4g} → {change.new:.4g}"
    return f"{field} {_listed(change.old)} → {_listed(change.new)}"


def _listed(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def notes(config: TrainingConfig, schedule: Schedule, steps: int) -> dict[str, str]:
    """A sentence for each control that cannot act now, by its path.

    Args:
        config: of the run.
        schedule: of the run.
        steps: the present optimizer has done.
    """
    found: dict[str, str] = {}
    name, values = config.optimizer.name, config.optimizer.values
    if steps and name == "Rprop":
        found["optimizer.lr"] = (
            "Rprop takes the rate as the length of its first step; since then every weight has a length of "
            "its own. It acts again when Rprop starts anew."
        )
    if name == "ASGD":
        found["optimizer.lr"] = "ASGD computes its next rate behind each step: an edit acts one step later."
        found["optimizer.t0"] = "ASGD's average is kept beside the weights; training does not use it."
    if name == "Adafactor" and values["lr"] > max(1, steps) ** -0.5:
        found["optimizer.lr"] = (
            f"Adafactor takes the smaller of the rate and 1 / √step, {max(1, steps) ** -0.5:.2g} now."
        )
    if steps and "initial_accumulator_value" in values:
        found["optimizer.initial_accumulator_value"] = "It is the sum before step 1, which is done."
    if "dampening" in values and not values["momentum"]:
        found["optimizer.dampening"] = "It weakens what is added to the momentum, which is 0."
    if config.scheduler.name == "OneCycleLR" and schedule.is_over:
        found["scheduler.name"] = "The cycle is over: its last factor stays until the schedule is edited."
    model = config.model.values
    if "dropout" in model and not model["hidden"]:
        found["model.dropout"] = "The network has no hidden units that could be dropped."
    return found
