"""Digits: a data set in memory, read from torchvision's files, drawn by the program, or downloaded first."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Generator
from typing import NamedTuple

import numpy as np

from optgui.core.engine import RunFailed, Status
from optgui.core.params import Config, param
from optgui.core.snapshot import frozen
from optgui.core.training.datasets import (
    DATASETS,
    DatasetEntry,
    Digits,
    data_roots,
    entry_of,
    find,
    read_files,
    user_folder,
)
from optgui.core.training.download import download

__all__ = [
    "DATASETS",
    "Digits",
    "DigitsConfig",
    "DigitsEngine",
    "best_dataset",
    "data_roots",
    "find",
    "is_ready",
    "load_digits",
]

BUILT_IN = "built in"


def is_ready(name: str) -> bool:
    """Whether `load_digits` needs neither a download nor a generation.

    Raises:
        ValueError: as `find`.
    """
    if name in _memory:
        return True
    if entry_of(name).torchvision:
        return find(name) is not None
    from optgui.core.training.strokes_cache import cache_file

    return cache_file().is_file()


def best_dataset() -> str:
    """The data set to start with: MNIST where it is on this computer, else the built-in digits.

    Raises:
        ValueError: as `find`.
    """
    return "mnist" if is_ready("mnist") else "builtin"


def load_digits(name: str = "mnist") -> Digits:
    """The data set `name`, kept in memory: every call after the first is free, in any thread.

    Raises:
        ValueError: if its files are missing or damaged, with their folder or name.
    """
    loading = prepare(name)
    while True:
        try:
            next(loading)
        except StopIteration as stop:
            loaded: Digits = stop.value
            return loaded


class _Job:
    """One loading or generation, which every thread that waits for it moves on."""

    def __init__(self, steps: Generator[float, None, Digits]) -> None:
        self.steps = steps
        self.lock = threading.Lock()


_memory: dict[str, Digits] = {}
_jobs: dict[str, _Job] = {}
_guard = threading.Lock()


def prepare(name: str) -> Generator[float, None, Digits]:
    """Load or generate a data set bit by bit, inside an engine with `yield from`.

    Yields the fraction done and returns the `Digits`. Two threads that want the same data set share the
    work, and a generation dropped half-way goes on from there when somebody asks again.

    Raises:
        ValueError: as `load_digits`.
    """
    entry = entry_of(name)
    while True:
        with _guard:
            if name in _memory:
                return _memory[name]
            job = _jobs.setdefault(name, _Job(_load(entry)))
        with job.lock:
            if _jobs.get(name) is not job:
                continue  # another thread has just finished it, or failed
            try:
                fraction = next(job.steps)
            except StopIteration as stop:
                with _guard:
                    _memory[name] = stop.value
                    del _jobs[name]
                continue
            except BaseException:
                with _guard:
                    del _jobs[name]
                raise
        yield fraction


def _load(entry: DatasetEntry) -> Generator[float, None, Digits]:
    return read_files(entry) if entry.torchvision else _built_in(entry)


def _built_in(entry: DatasetEntry) -> Generator[float, None, Digits]:
    from optgui.core.training.strokes_cache import read_or_draw

    drawn, note = yield from read_or_draw(entry.train_count, entry.test_count)
    return Digits(
        entry.name,
        train_images=frozen(drawn.train_images),
        train_labels=frozen(drawn.train_labels.astype(np.int64)),
        test_images=frozen(drawn.test_images),
        test_labels=frozen(drawn.test_labels.astype(np.int64)),
        source=BUILT_IN,
        class_names=entry.class_names,
        note=note,
    )


class DigitsConfig(Config):
    """Which data set to make ready."""

    dataset: str = param(
        "mnist", title="Data set", help="What the network learns to tell apart.", choices=DATASETS.choices
    )


class DigitsRecord(NamedTuple):
    """Progress after a step: bytes of a download or images of a generation, and their number per second."""

    step: int
    fraction: float
    done: int
    total: int  # 0 while unknown
    rate: float


@dataclasses.dataclass(frozen=True)
class DigitsFrame:
    """Progress for a person; `unit` is that of `done`, `total` and (per second) `rate`."""

    name: str
    fraction: float
    done: int
    total: int
    unit: str  # "bytes" or "images"
    rate: float
    text: str
    ready: bool
    note: str


class _Stage(NamedTuple):
    fraction: float
    done: int
    total: int
    text: str


class DigitsEngine:
    """Downloads or generates a data set in short steps; `answer("digits")` gives it.

    Dropping or closing the engine cancels, and removes a file that has not arrived whole. After a failure
    (`RunFailed`, one sentence) or `close`, the next step starts anew; files that are whole stay.
    """

    def __init__(self, config: DigitsConfig, inputs: object = None) -> None:
        self._entry = DATASETS[config.dataset]
        self._unit = "bytes" if self._entry.torchvision else "images"
        self._work: Generator[_Stage, None, Digits] | None = None
        self._digits: Digits | None = None
        self._stage = _Stage(0.0, 0, 0, f"{self._entry.label}: not started")
        self._step = 0
        self._rate = 0.0
        self._mark = (0.0, 0)

    @property
    def done(self) -> bool:
        """Whether the data set is in memory."""
        return self._digits is not None

    def step(self) -> DigitsRecord:
        """Take what has arrived, or draw some images; about 40 ms at most, reading a whole file apart.

        Raises:
            RunFailed: if it cannot be had, with what a person can do about it.
        """
        if self._work is None:
            self._work = _work(self._entry)
            self._stage = self._stage._replace(fraction=0.0, done=0)
            self._mark = (time.monotonic(), 0)
        try:
            if not self.done:
                self._stage = next(self._work)
                self._measure()
        except StopIteration as stop:
            self._digits = stop.value
            text, total = f"{self._entry.label}: ready", self._stage.total
            self._stage = _Stage(1.0, total, total, text)
        except RunFailed:
            self._work = None
            raise
        except ValueError as error:
            self._work = None
            raise RunFailed(str(error)) from error
        self._step += 1
        return DigitsRecord(self._step, *self._stage[:3], self._rate)

    def _measure(self) -> None:
        now = time.monotonic()
        then, before = self._mark
        if now - then > 0.5:
            self._rate = (self._stage.done - before) / (now - then)
            self._mark = (now, self._stage.done)

    def frame(self) -> DigitsFrame:
        """Where it stands."""
        fraction, done, total, text = self._stage
        note = self._digits.note if self._digits else ""
        return DigitsFrame(
            self._entry.name, fraction, done, total, self._unit, self._rate, text, self.done, note
        )

    def status(self) -> Status:
        """Bytes or images done and to do."""
        return Status(self._stage.done, self._stage.total, self._unit, self._stage.text)

    def apply(self, config: DigitsConfig) -> None:
        """Refused always: there is nothing to turn while a data set is being fetched.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"dataset: expected {self._entry.name} until this run ends, got {config.dataset}")

    def answer(self, request: object) -> Digits:
        """Reply to `"digits"` with the data set.

        Raises:
            ValueError: if it is not there yet, or something else was asked for.
        """
        if request != "digits":
            raise ValueError(f"request: expected 'digits', got {request!r}")
        if self._digits is None:
            raise ValueError(f"digits: expected a finished run, got one at {self._stage.fraction:.0%}")
        return self._digits

    def close(self) -> None:
        """Cancel at once; what has arrived only in part is removed."""
        if self._work is not None:
            self._work.close()
            self._work = None


def _work(entry: DatasetEntry) -> Generator[_Stage, None, Digits]:
    """The stages of one run. Apart from the engine, so that dropping the engine alone ends it: no cycle."""
    stage = _Stage(0.0, 0, 0, f"Reading {entry.label}")
    drawing = not entry.torchvision and not is_ready(entry.name)
    images = 0 if entry.torchvision else entry.train_count + entry.test_count
    if entry.torchvision and not is_ready(entry.name):
        for received in download(entry, user_folder()):
            stage = _Stage(*received)
            yield stage
    text = f"Drawing {entry.label.lower()}" if drawing else f"Reading {entry.label}"
    loading = prepare(entry.name)
    while True:
        try:
            fraction = max(stage.fraction, next(loading))
        except StopIteration as stop:
            loaded: Digits = stop.value
            return loaded
        done = round(fraction * images) if images else stage.done
        stage = _Stage(fraction, done, images or stage.total, text)
        yield stage
