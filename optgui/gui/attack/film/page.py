"""FilmPage: every iteration of an attack, to be played, scrubbed and looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from optgui.core.attack import AttackFrame, Film
from optgui.gui.attack.film.pictures import AttackPictures
from optgui.gui.attack.film.reel import Reel
from optgui.gui.playback import Playback
from optgui.gui.plot.digits import DigitRow
from optgui.gui.timeline import Timeline

STRIP_MS = 200  # the strip is made anew at most this often while the film grows


class FilmPage(QWidget):
    """The pictures at the play head, a strip of the whole film, and the controls that move the head.

    While the attack runs the head follows its newest iteration, until a person takes it elsewhere. A page
    that is not on screen draws nothing and catches up when it is shown.
    """

    moved = Signal(int)  # the iteration on screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pictures = AttackPictures()
        self.reel = Reel()
        self.playback = Playback(self)
        self.timeline = Timeline(self.playback, "attack", "film", play_button=True)
        self.strip = DigitRow(
            "The film, from the first iteration to the newest", "attack.film", selectable=True
        )
        self.strip.set_hint("The film of the attack appears here, picture by picture")
        self.strip.chosen.connect(self._on_strip)
        self._in_strip: NDArray[np.int64] = np.empty(0, np.int64)  # iterations
        self._image: NDArray[np.float32] | None = None  # (28, 28)
        self._before: NDArray[np.float32] | None = None  # probabilities (10,) of the image itself
        self._label, self._target = 0, -1
        self._names: tuple[str, ...] = tuple("0123456789")
        self._follows = True
        self._shown = -1
        self._strip_due = False
        self._strip_timer = QTimer(self, interval=STRIP_MS, singleShot=True)
        self._strip_timer.timeout.connect(self._on_strip_time)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 4)
        layout.setSpacing(4)
        layout.addWidget(self.pictures, 1)
        layout.addWidget(self.strip)
        layout.addWidget(self.timeline)
        self.playback.moved.connect(self._on_moved)

    @property
    def iteration(self) -> int:
        """The iteration on screen, -1 without any."""
        return self._shown

    def show_digit(self, image: NDArray[np.float32], label: int, names: tuple[str, ...]) -> None:
        """Show an image (28, 28) that is not attacked yet; the film is empty."""
        self.begin(image, label, names, 0)
        self.pictures.show_digit(image, label, names)

    def begin(self, image: NDArray[np.float32], label: int, names: tuple[str, ...], steps: int) -> None:
        """A new attack on an image (28, 28)."""
        self.reel.clear()
        self._image, self._label, self._names = image, label, names
        self._before, self._target = None, -1
        self._follows, self._shown = True, -1
        self._in_strip = np.empty(0, np.int64)
        self.playback.reset()
        self.playback.set_total(steps)
        self._want_strip()

    def judge(self, frame: AttackFrame, verdict: str) -> None:
        """What the network reads in the image itself, the answer wanted, and what became of it in words."""
        self._before = frame.original_probabilities[0]
        self._target = -1 if frame.targets is None else int(frame.targets[0])
        self.pictures.verdict.setText(verdict)

    def extend(self, film: Film, until: int) -> None:
        """More pictures of the attack, which ends at an iteration."""
        at_end = self._follows and not self.playback.playing
        self.reel.add(film)
        if not len(self.reel):
            return
        self.playback.set_total(max(until, self.reel.last))
        self.playback.set_available(self.reel.last)
        if at_end:
            self.playback.go(self.reel.last)
        self._show(self.playback.step)
        self._want_strip()

    def end(self, result: NDArray[np.float32] | None = None) -> None:
        """The attack has ended where it is; a head that followed it goes to what it found (28, 28)."""
        if not len(self.reel):
            return
        self.playback.set_total(self.reel.last)
        if result is not None and self._follows and not self.playback.playing:
            found = self.reel.find(result)
            if found >= 0:
                self.playback.go(found)
                self._follows = True  # should the attack go on

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._want_strip()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show(self.playback.step)
        self._show_strip()

    def _on_moved(self, step: int) -> None:
        self._follows = step >= self.reel.last
        self._show(step)

    def _on_strip(self, place: int) -> None:
        if place < len(self._in_strip):  # else of a film that is no more
            self.playback.pause()
            self.playback.go(int(self._in_strip[place]))

    def _show(self, step: int) -> None:
        if self._image is None or not len(self.reel) or not self.isVisible():
            return
        film, place = self.reel.film, self.reel.place(step)
        iteration = int(film.iterations[place])
        if iteration == self._shown:
            return
        self._shown = iteration
        self.pictures.show_attack(
            self._image,
            film.perturbations[place],
            float(film.norms[place]),
            film.probabilities[0] if self._before is None else self._before,
            film.probabilities[place],
            self._label,
            self._names,
            self._target,
        )
        self._select_in_strip()
        self.moved.emit(iteration)

    def _want_strip(self) -> None:
        """Make the strip anew now, or a little later if that was just done."""
        self._strip_due = True
        if not self._strip_timer.isActive():
            self._on_strip_time()

    def _on_strip_time(self) -> None:
        if self._strip_due and self.isVisible():
            self._show_strip()
            self._strip_timer.start()

    def _show_strip(self) -> None:
        """Show as many pictures, evenly spread, as fit."""
        self._strip_due = False
        places = self.reel.evenly(self.strip.capacity())
        if self._image is None or not len(places):
            self.strip.show_digits(np.empty((0, 28, 28), np.uint8))
            return
        film = self.reel.film
        self._in_strip = film.iterations[places]
        pictures = np.clip(self._image + film.perturbations[places], 0, 1)
        self.strip.show_digits((255 * pictures).round().astype(np.uint8))
        iterations, answers = self._in_strip.tolist(), film.probabilities[places].argmax(1)
        tips = [
            f"iteration {at:,}: read as {self._names[answer]}"
            for at, answer in zip(iterations, answers, strict=True)
        ]
        unfooled: list[bool | None] = [not film.fooled[place] for place in places]
        self.strip.show_words([short(at) for at in iterations], unfooled, tips)
        self._select_in_strip()

    def _select_in_strip(self) -> None:
        if len(self._in_strip):
            self.strip.select(int(np.searchsorted(self._in_strip, self._shown, "right")) - 1)


def short(iteration: int) -> str:
    """An iteration in at most four letters, so that it fits below a small picture: 950, 1.2k, 10k, 1M."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if iteration >= unit:
            count = iteration / unit
            return f"{count:.1f}{letter}".replace(".0", "") if count < 9.95 else f"{count:.0f}{letter}"
    return str(iteration)
