"""FilmPage: every iteration of an attack, to be played, scrubbed and looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from optgui.core.attack import Film
from optgui.gui.attack.attack_pictures import AttackPictures
from optgui.gui.attack.reel import Reel
from optgui.gui.playback import Playback
from optgui.gui.plot.digits import DigitRow
from optgui.gui.timeline import Timeline


class FilmPage(QWidget):
    """The pictures at the play head, a strip of the whole film, and the controls that move the head.

    While the attack runs the head follows its newest iteration, until a person takes it elsewhere.
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
        self._places: NDArray[np.int64] = np.empty(0, int)
        self._image: NDArray[np.float32] | None = None  # (28, 28)
        self._label = 0
        self._names: tuple[str, ...] = tuple("0123456789")
        self._follows = True
        self._shown = -1
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

    def begin(self, image: NDArray[np.float32], label: int, names: tuple[str, ...], steps: int) -> None:
        """A new attack on an image (28, 28)."""
        self.reel.clear()
        self._image, self._label, self._names = image, label, names
        self._follows, self._shown = True, -1
        self.playback.reset()
        self.playback.set_total(steps)
        self._show_strip()

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
        self._show_strip()

    def end(self) -> None:
        """The attack has ended where it is."""
        if len(self.reel):
            self.playback.set_total(self.reel.last)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_strip()

    def _on_moved(self, step: int) -> None:
        self._follows = step >= self.reel.last
        self._show(step)

    def _on_strip(self, place: int) -> None:
        self.playback.pause()
        self.playback.go(int(self.reel.film.iterations[self._places[place]]))

    def _show(self, step: int) -> None:
        if self._image is None or not len(self.reel):
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
            film.probabilities[0],
            film.probabilities[place],
            self._label,
            self._names,
        )
        if len(self._places):
            self.strip.select(int(np.searchsorted(film.iterations[self._places], iteration, "right")) - 1)
        self.moved.emit(iteration)

    def _show_strip(self) -> None:
        """Show as many pictures, evenly spread, as fit."""
        self._places = self.reel.evenly(self.strip.capacity())
        if self._image is None or not len(self._places):
            self.strip.show_digits(np.empty((0, 28, 28), np.uint8))
            return
        film = self.reel.film
        pictures = np.clip(self._image + film.perturbations[self._places], 0, 1)
        self.strip.show_digits((255 * pictures).round().astype(np.uint8))
        answers = film.probabilities[self._places].argmax(1)
        words = [f"{film.iterations[place]:,}" for place in self._places]
        tips = [
            f"iteration {at}: read as {self._names[answer]}"
            for at, answer in zip(words, answers, strict=True)
        ]
        self.strip.show_words(words, [not film.fooled[place] for place in self._places], tips)
        self.strip.select(int(np.searchsorted(film.iterations[self._places], self._shown, "right")) - 1)
