"""The one contract between a computation and whatever runs it. Imports no Qt and no torch."""

from __future__ import annotations

import importlib
import time
from typing import Any, NamedTuple, Protocol, cast

ENGINES: dict[str, str] = {
    "surface": "optgui.core.surface.engine:DescentEngine",
    "basins": "optgui.core.surface.maps.basins:BasinsEngine",
    "sweep": "optgui.core.surface.maps.sweep:SweepEngine",
    "rate_map": "optgui.core.surface.maps.rate_map:RateMapEngine",
    "tuner": "optgui.core.surface.maps.tuner:TunerEngine",
    "training": "optgui.core.training.engine:TrainingEngine",
    "race": "optgui.core.training.race.engine:RaceEngine",
    "attack": "optgui.core.attack.engine:AttackEngine",
    "bounds": "optgui.core.attack.bounds.engine:BoundsEngine",
    "plane": "optgui.core.attack.plane.engine:PlaneEngine",
    "reading": "optgui.core.attack.reading:ReadingEngine",
    "robust": "optgui.core.attack.robust.engine:RobustEngine",
    "honesty": "optgui.core.attack.honesty.engine:HonestyEngine",
    "digits": "optgui.core.training.digits:DigitsEngine",
}


class Status(NamedTuple):
    """How far a job is, for a run bar: `done` of `total` units, and what else is worth a word."""

    done: int
    total: int
    unit: str = "steps"  # "%" while something is being prepared
    text: str = ""

    @property
    def steps(self) -> int:
        """Steps done: none while something is being prepared."""
        return 0 if self.unit == "%" else self.done


class Engine(Protocol):
    """A computation advanced one short step at a time, by one thread only.

    An engine may have an attribute `pause_wanted: str`: a sentence for a person after a step, or an answer,
    behind which it should wait; "" otherwise. Whoever runs it in a window takes it and pauses; `step` clears
    it too, so a loop that only asks for `done` goes on. An answer that changes what a frame shows sets
    `changed_by_answer`.
    """

    @property
    def done(self) -> bool:
        """Whether `step` has nothing left to do; an edit may revive a finished engine."""

    def step(self) -> Any:
        """Advance once (aim for < 50 ms) and return this step's small record, a NamedTuple."""

    def frame(self) -> Any:
        """A frozen picture for drawing: read-only arrays, never live tensors."""

    def status(self) -> Status:
        """How far the job is; cheap, asked with every frame."""

    def apply(self, config: Any) -> None:
        """Take a live edit between two steps.

        Raises:
            ValueError: if the edit is refused; then nothing has changed.
        """

    def answer(self, request: Any) -> Any:
        """Reply to a request (a snapshot, say) between two steps.

        A reply that takes long is a generator: whoever runs the engine advances it slice by slice, and
        what it returns is the reply. The engine is not stepped meanwhile.

        Raises:
            ValueError: if the request cannot be answered now.
        """


class RunFailed(ValueError):
    """A run that cannot go on for a reason a person can act on; its text is that sentence.

    `step` raises it, and raises it again if called again: a diverged network, a download without a
    network connection. Records and pictures made before stay readable.
    """


def engine_class(subject: str) -> type[Engine]:
    """The engine class of a subject, imported when first asked for."""
    if subject not in ENGINES:
        raise ValueError(f"subject: expected one of {', '.join(ENGINES)}, got {subject!r}")
    module, name = ENGINES[subject].split(":")
    return cast("type[Engine]", getattr(importlib.import_module(module), name))


def build(subject: str, config: Any, inputs: Any = None) -> Engine:
    """Make the engine of `subject`; called only in the thread that will step it.

    `inputs` is frozen data (a network snapshot, images). A class that takes more than
    `(config, inputs)` in scripts offers `from_inputs` for this door.
    """
    made: Any = engine_class(subject)
    return cast("Engine", getattr(made, "from_inputs", made)(config, inputs))


def take_pause(engine: Any) -> str:
    """Why the engine wants to wait, or an empty string; said once."""
    sentence: str = getattr(engine, "pause_wanted", "")
    if sentence:
        engine.pause_wanted = ""
    return sentence


def take_change(engine: Any) -> bool:
    """Whether an answer has changed what a frame shows; said once."""
    changed = bool(getattr(engine, "changed_by_answer", False))
    if changed:
        engine.changed_by_answer = False
    return changed


def run_slice(engine: Engine, seconds: float) -> list[Any]:
    """Step `engine` for about `seconds`; one with its own `run_slice` reads its numbers once per slice."""
    own = getattr(engine, "run_slice", None)
    if own is not None:
        return cast("list[Any]", own(seconds))
    deadline = time.perf_counter() + seconds
    records: list[Any] = []
    while not engine.done and time.perf_counter() < deadline:
        try:
            records.append(engine.step())
        except RunFailed:
            if not records:
                raise
            break  # hand over what was done; the next slice raises it again
        if getattr(engine, "pause_wanted", ""):
            break
    return records
