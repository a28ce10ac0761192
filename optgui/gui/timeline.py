"""Timeline: one step back, where the head is, and how fast it goes."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSignalBlocker, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QStyle, QWidget

from optgui.gui import theme
from optgui.gui.playback import FASTEST, SLOWEST, Playback
from optgui.gui.readings import Readout

_HANDLE = 18  # pixels: the style sheet's handle with its border
_GROOVE = 4
_PALE = 0.4  # of what is computed and not played yet
_PER_DECADE = 20  # places of the speed slider, so that 0.1, 1, 10 and 100 are among them


class _Slider(QSlider):
    """A horizontal slider that the wheel moves only with focus, and a click moves to the pointer."""

    def __init__(self, name: str, words: str, help: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setObjectName(name)
        self.setAccessibleName(words)
        self.setToolTip(help)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(_HANDLE + 2)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Bring the handle under the pointer, so that a drag may begin anywhere."""
        pointer, room = event.position().x() - _HANDLE / 2, self.width() - _HANDLE
        low, high = self.minimum(), self.maximum()
        handle = QStyle.sliderPositionFromValue(low, high, self.value(), room)
        if event.button() is Qt.MouseButton.LeftButton and abs(pointer - handle) > _HANDLE / 2:
            self.setValue(QStyle.sliderValueFromPosition(low, high, round(pointer), room))
        super().mousePressEvent(event)


class Scrub(_Slider):
    """The steps of what is played: played, computed and, muted, not computed yet."""

    def __init__(self, subject: str, what: str) -> None:
        super().__init__(
            f"{subject}.scrub",
            f"Step of the {what}",
            "Drag to any step that is computed (arrows, Page Up and Down)",
        )
        self._available = 0
        self.setSingleStep(1)
        self.setMinimumWidth(80)

    def set_steps(self, available: int, total: int) -> None:
        """Say how many steps there are, and how many of them are computed."""
        self.setMaximum(max(1, total))
        self.setPageStep(max(1, round(total / 10)))
        self.setEnabled(total > 0)
        if available != self._available:
            self._available = available
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Colour the groove from the handle to what is computed."""
        super().paintEvent(event)
        left = self._pixel(self.value()) + _HANDLE / 2
        right = self.width() if self._available >= self.maximum() else self._pixel(self._available)
        if right > left:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            colour = QColor(theme.colours(self).accent)
            colour.setAlphaF(_PALE)
            painter.setBrush(colour)
            groove = QRectF(left, (self.height() - _GROOVE) / 2, right - left, _GROOVE)
            painter.drawRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)

    def _pixel(self, value: int) -> float:
        return _HANDLE / 2 + value / self.maximum() * (self.width() - _HANDLE)


class Timeline(QWidget):
    """The controls of a Playback that the run bar has not.

    Args:
        playback: What is played.
        subject: Begins every object name.
        what: What is played, in a word.
        play_button: Play and pause here; without it the run bar does.
        parent: Owner.
    """

    def __init__(
        self,
        playback: Playback,
        subject: str = "surface",
        what: str = "race",
        *,
        play_button: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(f"{subject}.timeline")
        self.playback = playback
        self.play_button = QPushButton("Play")
        self.play_button.setObjectName(f"{subject}.play")
        self.play_button.setToolTip(f"Play the {what}, or pause it")
        self.play_button.clicked.connect(playback.toggle)
        self.back_button = QPushButton("Back")
        self.back_button.setObjectName(f"{subject}.back")
        self.back_button.setAccessibleName("Back")
        self.back_button.setToolTip("Go one step back and wait")
        self.back_button.clicked.connect(self._on_back)
        self.scrub = Scrub(subject, what)
        self.scrub.valueChanged.connect(self._on_scrub)
        self.scrub.sliderPressed.connect(lambda: playback.hold(True))
        self.scrub.sliderReleased.connect(lambda: playback.hold(False))
        self.speed = _Slider(
            f"{subject}.speed", "Speed", f"How fast the {what} is played; 1× is 50 steps a second"
        )
        self.speed.setRange(0, round(_PER_DECADE * math.log10(FASTEST / SLOWEST)))
        self.speed.setPageStep(_PER_DECADE // 4)
        self.speed.setFixedWidth(self.fontMetrics().averageCharWidth() * 14)
        self.speed.valueChanged.connect(self._on_speed)
        self.speed_text = Readout("Speed", Qt.AlignmentFlag.AlignRight, 5)
        self.speed_text.setObjectName(f"{subject}.speed.text")
        self.speed_text.setFixedWidth(self.speed_text.sizeHint().width())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        if play_button:
            layout.addWidget(self.play_button)
        layout.addWidget(self.back_button)
        layout.addWidget(self.scrub, 1)
        layout.addWidget(self.speed)
        layout.addWidget(self.speed_text)
        playback.moved.connect(self._show_step)
        playback.state_changed.connect(self._show_state)
        self._show_state()

    def _show_step(self, step: int) -> None:
        blocker = QSignalBlocker(self.scrub)
        self.scrub.setValue(step)
        blocker.unblock()
        self.back_button.setEnabled(step > 0)

    def _show_state(self) -> None:
        playback = self.playback
        blockers = QSignalBlocker(self.scrub), QSignalBlocker(self.speed)
        self.scrub.set_steps(playback.available, playback.total)
        self.speed.setValue(round(_PER_DECADE * math.log10(playback.speed / SLOWEST)))
        for blocker in blockers:
            blocker.unblock()
        self.speed_text.setText(f"{playback.speed:.3g}×")
        self.play_button.setText("Pause" if playback.playing else "Play")
        self.play_button.setAccessibleName(self.play_button.text())
        self.play_button.setEnabled(playback.total > 0)
        self._show_step(playback.step)

    def _on_back(self) -> None:
        self.playback.pause()
        self.playback.back()

    def _on_scrub(self, step: int) -> None:
        self.playback.go(step)
        self._show_step(self.playback.step)

    def _on_speed(self, place: int) -> None:
        self.playback.speed = float(f"{SLOWEST * 10 ** (place / _PER_DECADE):.2g}")
