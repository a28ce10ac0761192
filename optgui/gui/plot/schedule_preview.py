"""A schedule over the run, whose milestones can be dragged, added and removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from optgui.core.params import Config, EntryConfig
from optgui.gui import theme
from optgui.gui.form.editor import REST_MS
from optgui.gui.plot.milestones import Milestones
from optgui.gui.plot.schedule_curve import HEIGHT, MOST, MOST_SLICED, TALL, ScheduleCurve

__all__ = ["HEIGHT", "MOST", "MOST_SLICED", "TALL", "SchedulePreview"]

_HINT = (
    "Drag a milestone; a double click adds one. Keys: left and right move the chosen one (Shift: by ten), "
    "up and down choose another, Insert adds, Delete removes."
)
_GRIP = 9  # pixels: width of a milestone's grip


class SchedulePreview(ScheduleCurve):
    """The curve and its milestones; one beyond the run stands at the right edge, and a sentence says so."""

    def __init__(
        self,
        run_length: Callable[[Any], tuple[int, int]],
        parent: QWidget | None = None,
        *,
        base_lr: Callable[[Any], float] | None = None,
        height: int = HEIGHT,
    ) -> None:
        super().__init__(run_length, parent, base_lr=base_lr, height=height)
        self._milestones: Milestones | None = None
        self._selected = 0
        self._dragged = self._touched = self._locked = False
        self._keys_rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._keys_rest.timeout.connect(self._settle)

    @property
    def selected(self) -> int:
        """The index of the milestone that keys move."""
        return self._selected

    def show_entry(self, entry: EntryConfig, config: Config) -> None:
        super().show_entry(entry, config)
        assert self._wanted is not None
        self._milestones = Milestones.of(*self._wanted)
        count = len(self._milestones.values) if self._milestones is not None else 0
        self._selected = max(0, min(self._selected, count - 1))
        self.warned.emit(self._milestones.warning if self._milestones is not None else "")
        self._offer_edit()

    def lock(self, locked: bool) -> None:
        self._locked = locked
        self._offer_edit()

    def _offer_edit(self) -> None:
        """Take the focus and say how to edit where there are milestones that may be moved."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if self._editable else Qt.FocusPolicy.NoFocus)
        self.setToolTip(_HINT if self._editable else "")
        if not self._editable:
            self._dragged = False
            self.unsetCursor()

    @property
    def _editable(self) -> bool:
        return self._milestones is not None and not self._locked

    def _milestone_at(self, x: float) -> int | None:
        """The index of the milestone under the pointer, the chosen one first; None if there is none."""
        if not self._editable or self._factors is None:
            return None
        assert self._milestones is not None
        near = {}
        for index in range(len(self._milestones.values)):
            away = abs((self._place(self._milestones.place(index)) or 0) - x)
            if away <= _GRIP * 0.8:
                near[away, index != self._selected] = index
        return near[min(near)] if near else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._milestone_at(event.position().x())
        if event.button() != Qt.MouseButton.LeftButton or index is None:
            super().mousePressEvent(event)
            return
        self._selected, self._dragged = index, True
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self._factors is None or self._milestones is None:
            return
        x = event.position().x()
        if self._dragged:
            self._give(*self._milestones.moved(self._selected, self._milestones.nearest(self._step_at(x))))
        over = self._dragged or self._milestone_at(x) is not None
        self.setCursor(Qt.CursorShape.SizeHorCursor if over else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged = False
        self._settle()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if event.button() == Qt.MouseButton.LeftButton and self._milestone_at(x) is None:
            self._add(self._step_at(x) if self._factors is not None else None)
            self._settle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._editable or not self._on_key(event):
            super().keyPressEvent(event)

    def _on_key(self, event: QKeyEvent) -> bool:
        """Do what a key stands for; whether it stands for anything."""
        assert self._milestones is not None
        key, values = event.key(), self._milestones.values
        if key == Qt.Key.Key_Insert:
            self._add(None)
        elif not values:
            return False
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            by = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            value = values[self._selected] + (by if key == Qt.Key.Key_Right else -by)
            self._give(*self._milestones.moved(self._selected, value))
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._selected = (self._selected + (1 if key == Qt.Key.Key_Up else -1)) % len(values)
            self.update()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._give(*self._milestones.removed(self._selected))
        else:
            return False
        self._keys_rest.start()
        return True

    def _add(self, step: float | None) -> None:
        """Add a milestone near a step, or where there is most room."""
        if not self._editable:
            return
        assert self._milestones is not None
        value = self._milestones.gap() if step is None else self._milestones.nearest(step)
        if value is not None:
            self._give(*self._milestones.added(value))

    def _give(self, values: tuple[int, ...], selected: int) -> None:
        assert self._milestones is not None
        self._selected = selected
        if values != self._milestones.values:
            self._touched = True
            self.changed.emit("milestones", values, False)

    def _settle(self) -> None:
        """End the gesture, if one is going on."""
        self._keys_rest.stop()
        if self._touched and self._milestones is not None:
            self._touched = False
            self.changed.emit("milestones", self._milestones.values, True)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._settle()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._milestones is not None and self._factors is not None:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for index in range(len(self._milestones.values)):
                self._draw_grip(painter, self._place(self._milestones.place(index)) or 0, index)

    def _draw_grip(self, painter: QPainter, x: int, index: int) -> None:
        colours, top, half = theme.colours(self), self._plot().top(), _GRIP / 2
        chosen = self._editable and self.hasFocus() and index == self._selected
        painter.setBrush(QColor(colours.accent if self._editable else colours.muted))
        painter.setPen(QPen(QColor(colours.text), 1.5) if chosen else Qt.PenStyle.NoPen)
        tip = QPointF(x, top + 1)
        painter.drawPolygon([QPointF(x - half, top - _GRIP + 2), QPointF(x + half, top - _GRIP + 2), tip])
