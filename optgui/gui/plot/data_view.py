"""The data of a problem beside its map: what a point of the map means, and points that can be moved."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from optgui.core.surface import DescentFrame, SurfaceConfig
from optgui.gui import theme
from optgui.gui.plot.data_lines import Picture, View
from optgui.gui.plot.data_pictures import PICTURES
from optgui.gui.plot.data_points import DataPoints, Row, Rows
from optgui.gui.readings import Readout

B = TypeVar("B", bound=QAbstractButton)
ROOM = 0.2  # round the points, as a share of their extent
HINT = "Drag a point, double click to add one"


class DataView(QWidget):
    """Draws a problem's points, and what the racers' positions mean for them.

    It edits nothing itself: it says what a person wants the points to be, and shows what it is told.
    """

    points_changed = Signal(object, bool)  # the new tuple of points, whether the gesture has ended
    acted = Signal(object)  # changed parameters by name, from a button of the problem
    said = Signal(str)  # why a button could do nothing

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config: SurfaceConfig | None = None
        self._race: tuple[DescentFrame, Mapping[int, bool], int] | None = None
        self._chosen: int | None = None
        self._picture: Picture | None = None
        self._nudged = False
        self._dark: bool | None = None
        self._actions: list[QPushButton] = []
        self.plot = pg.PlotWidget()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setObjectName("surface.data")
        self.plot.setAccessibleName("Data of the problem")
        self.plot.setWhatsThis(
            "Drag a point to move it, double click to add one, right click to remove one. Page Up and Page "
            "Down choose a point, the arrow keys move it (with Shift by ten pixels), Insert adds one in the "
            "middle, Delete removes it. The wheel zooms, Home shows all points."
        )
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocusProxy(self.plot)
        self.words = _Headline()
        self.words.setObjectName("surface.data.words")
        self.fit_button = _named(QToolButton(), "Fit", "Show all points (Home)", "surface.data.fit")
        self.fit_button.clicked.connect(self.fit)
        self.label_button = _named(QToolButton(), "", "Which label a new point gets", "surface.data.label")
        self.label_button.setCheckable(True)
        self.label_button.toggled.connect(self._on_label)
        self._on_label(False)
        top = QHBoxLayout()
        top.setContentsMargins(8, 4, 4, 0)
        top.setSpacing(8)
        top.addWidget(self.words, 1)
        top.addWidget(self.fit_button)
        self._row = QHBoxLayout()
        self._row.setContentsMargins(4, 0, 4, 0)
        self._row.setSpacing(8)
        self._row.addWidget(self.label_button)
        self._row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addLayout(self._row)
        layout.addWidget(self.plot, 1)
        self._box = self.plot.getPlotItem().getViewBox()
        self._box.disableAutoRange()
        self.points = DataPoints(self)
        self.points.setZValue(20)
        self.plot.addItem(self.points, ignoreBounds=True)
        self.points.moved.connect(self._on_moved)
        self._box.sigRangeChanged.connect(lambda *_: self._draw())
        self._box.sigResized.connect(lambda *_: self._draw())
        self.plot.scene().sigMouseClicked.connect(self._on_clicked)
        self._recolour()

    # What it shows

    def show_problem(self, config: SurfaceConfig) -> None:
        """Show a problem's points; all are brought in view if it or one of them is new and out of sight.

        Raises:
            ValueError: if the surface has no data to draw.
        """
        picture = config.entry.picture
        if picture not in PICTURES:
            raise ValueError(f"surface: expected one with a picture of its data, got {config.name}")
        new = self._config is None or config.name != self._config.name
        self._config = config
        if new:
            self._race = self.points.dragged = self.points.chosen = None
        before = self.points.rows
        self.points.show_rows(config.values["points"])
        if new:
            self._take_picture(picture)
        if new or not all(map(self._sees, set(self.points.rows) - set(before))):
            self.fit()
        self._draw()

    def show_race(self, frame: DescentFrame, shown: Mapping[int, bool], step: int) -> None:
        """Draw what the racers' positions after `step` steps mean; `shown` says by racer id which."""
        self._race = (frame, shown, min(step, frame.step))
        self._draw()

    def select(self, identity: int | None) -> None:
        """Put this racer in front and in the header; the first one shown for None."""
        if identity != self._chosen:
            self._chosen = identity
            self._draw()

    def fit(self) -> None:
        """Show all points."""
        if self._picture is None or not self.points.rows:
            return
        places = np.array(self.points.rows)[:, :2]
        if self._picture.through_zero:
            places = np.vstack([places, np.zeros(2)])
        low, high = places.min(axis=0), places.max(axis=0)
        extent = high - low
        extent = np.where(extent > 0, extent, max(float(extent.max()), 1.0))
        low, high = (low + high - extent) / 2 - ROOM * extent, (low + high + extent) / 2 + ROOM * extent
        self._box.setRange(QRectF(*low, *(high - low)), padding=0.0)

    # Drawing

    def _sees(self, row: Row) -> bool:
        return bool(self._box.viewRect().contains(QPointF(*row[:2])))

    def _take_picture(self, name: str) -> None:
        if self._picture is not None:
            self._picture.remove()
        self._picture = PICTURES[name](self.plot, self)
        self._box.setAspectLocked(self._picture.round)
        across, up = self._picture.axes
        self.plot.setLabel("bottom", across)
        self.plot.setLabel("left", up)
        self.label_button.setVisible(self._picture.labelled)
        self._take_actions()

    def _take_actions(self) -> None:
        assert self._config is not None
        for button in self._actions:
            self._row.removeWidget(button)
            button.deleteLater()
        self._actions = []
        for index, action in enumerate(self._config.entry.actions):
            button = _named(QPushButton(), action.label, action.help, f"surface.data.action.{index}")
            button.clicked.connect(functools.partial(self._on_action, index))
            self._row.insertWidget(1 + index, button)
            self._actions.append(button)

    def _heads(self) -> dict[int, NDArray[np.float64]]:
        if self._race is None:
            return {}
        frame, shown, step = self._race
        return {
            identity: frame.paths[place, step]
            for place, identity in enumerate(frame.ids)
            if shown.get(identity, True)
        }

    @np.errstate(all="ignore")  # a racer may be anywhere
    def _draw(self) -> None:
        if self._config is None or self._picture is None:
            return
        heads = self._heads()
        chosen = self._chosen if self._chosen in heads else next(iter(heads), None)
        words = self._picture.draw(self._config, self.points.rows, heads, chosen, View.of(self._box))
        colour = theme.racer_colour(chosen, self) if chosen is not None else None
        self.words.say(words or HINT, colour)
        if words != self.plot.accessibleDescription():
            self.plot.setAccessibleDescription(words)

    def _recolour(self) -> None:
        self._dark = theme.is_dark(self)
        tokens = theme.colours(self)
        self.plot.setBackground(tokens.plot)
        for side in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(side)
            axis.setPen(QPen(QColor(tokens.rule), 1))
            axis.setTextPen(QColor(tokens.muted))
        self.points.redraw()
        if self._picture is not None:
            self._picture.recolour()
        self._draw()

    # Events

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "points") and theme.is_dark(self) != self._dark:
            self._recolour()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose, move, add and remove points; see the help of the plot."""
        key, chosen = Qt.Key(event.key()), self.points.chosen
        moves = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }
        turns = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}
        if key in moves and chosen is not None:
            far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            (x, y, *_), (width, height) = self.points.rows[chosen], self._box.viewPixelSize()
            self._nudged = True
            right, up = moves[key]
            self.points.put(chosen, x + far * width * right, y + far * height * up, ended=False)
        elif key in turns and self.points.rows:
            last = len(self.points.rows) - 1
            first = 0 if turns[key] > 0 else last
            self.points.choose(first if chosen is None else (chosen + turns[key]) % (last + 1))
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and chosen is not None:
            self._remove(chosen)
        elif key == Qt.Key.Key_Insert:
            self._add(self._box.viewRect().center())
        elif key == Qt.Key.Key_Escape and chosen is not None:
            self.points.choose(None)
        elif key == Qt.Key.Key_Home:
            self.fit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End the gesture of a nudge."""
        if self._nudged and not event.isAutoRepeat():
            self._nudged = False
            self.points_changed.emit(self.points.rows, True)
        else:
            super().keyReleaseEvent(event)

    def _add(self, place: QPointF) -> None:
        label = (self._label,) if self._picture is not None and self._picture.labelled else ()
        self.points_changed.emit((*self.points.rows, (float(place.x()), float(place.y()), *label)), True)

    def _remove(self, index: int) -> None:
        self.points.choose(None)
        self.points_changed.emit((*self.points.rows[:index], *self.points.rows[index + 1 :]), True)

    def _on_clicked(self, event: Any) -> None:
        if self._config is None or not self._box.sceneBoundingRect().contains(event.scenePos()):
            return
        place = self._box.mapSceneToView(event.scenePos())
        index = self.points.nearest(place)
        if event.button() == Qt.MouseButton.RightButton:
            if index is not None:
                self._remove(index)
        elif event.button() == Qt.MouseButton.LeftButton and not event.double():
            self.points.choose(index)
        elif event.button() == Qt.MouseButton.LeftButton and index is None:
            self._add(place)

    def _on_moved(self, rows: Rows, ended: bool) -> None:
        self._draw()
        self.points_changed.emit(rows, ended)

    def _on_label(self, minus: bool) -> None:
        self._label = -1.0 if minus else 1.0
        self.label_button.setText("New points: ▼ −1" if minus else "New points: ● +1")

    def _on_action(self, index: int) -> None:
        assert self._config is not None
        try:
            changed = self._config.entry.actions[index].change(self._config.values)
        except ValueError as error:
            self.said.emit(str(error))
        else:
            self.acted.emit(changed)


class _Headline(Readout):
    """What is seen, behind a chip in the racer's colour."""

    def __init__(self) -> None:
        super().__init__("Seen here")
        self._colour: QColor | None = None

    def say(self, text: str, colour: QColor | None) -> None:
        """Say what is seen for the racer with this colour."""
        if colour != self._colour:
            self._colour = colour
            self.update()
        self.setText(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = self.fontMetrics().height() * 0.6
        left = 0.0
        if self._colour is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._colour)
            painter.drawEllipse(QRectF(0, (self.height() - side) / 2, side, side))
            left = side + 6
        painter.setPen(self.palette().windowText().color())
        room = QRectF(left, 0, self.width() - left, self.height())
        words = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)


def _named(button: B, text: str, help: str, name: str) -> B:
    button.setText(text)
    button.setToolTip(help)
    button.setAccessibleName(text or help)
    button.setAccessibleDescription(help)
    button.setObjectName(name)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button
