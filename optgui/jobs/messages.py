"""What crosses the thread boundary: small frozen values, nothing with a handle."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from optgui.core.engine import Status


class JobState(enum.Enum):
    """Where a job is in its life."""

    IDLE = "idle"
    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """Whether the job may still go on by itself or by one press of a button."""
        return self in (JobState.PREPARING, JobState.RUNNING, JobState.PAUSED)


@dataclasses.dataclass(frozen=True)
class Job:
    """One run, as the worker receives it; a paused one is built, shown and waits."""

    run_id: int
    subject: str
    config: Any
    inputs: Any = None
    paused: bool = False


@dataclasses.dataclass(frozen=True)
class Progress:
    """What happened since the last Progress: every record, and the newest picture only.

    `pause` is the sentence of an engine that has asked for the pause which follows.
    """

    run_id: int
    records: tuple[Any, ...]
    frame: Any
    status: Status
    pause: str = ""


@dataclasses.dataclass(frozen=True)
class Edit:
    """The fate of one live edit: applied before step `done + 1`, or refused with a sentence."""

    run_id: int
    config: Any
    done: int
    refusal: str = ""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The reply to one request, or why there is none."""

    run_id: int
    request_id: int
    reply: Any
    refusal: str = ""
    dropped: bool = False  # because the run ended, not because of what was asked


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why a run cannot go on: a sentence, and the traceback where it is a defect of the program."""

    run_id: int
    sentence: str
    details: str = ""
