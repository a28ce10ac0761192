"""What every layer makes of a digit: bars for units, small images for channels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from optgui.core.training.measures.inside import Layer
from optgui.gui import theme
from optgui.gui.plot.digits import signed_image
from optgui.gui.plot.surface_layer import caption

PASSING = ("Flatten", "Dropout", "Identity")  # they change nothing that could be seen
FEW = 10  # units that get a line each
BARS = 44  # pixels of the bars of many units
MAP, MAP_ROWS = 34, 4  # pixels of a channel's image, and most rows of them
GAP = 3


class LayersView(QWidget):
    """One block for each layer, from top to bottom."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName("Activations of every layer")
        self.layers: tuple[Layer, ...] = ()
        self._names: Sequence[str] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    def show_layers(self, layers: Sequence[Layer], class_names: Sequence[str]) -> None:
        """Show layers in the order they run; the last one's units are the classes."""
        shapes = [layer.values.shape for layer in self.layers]
        self.layers = tuple(layer for layer in layers if layer.kind not in PASSING)
        self._names = class_names
        if shapes != [layer.values.shape for layer in self.layers]:
            self.updateGeometry()
        words = [f"{layer.name}: {_quiet(layer.values)}" for layer in self.layers]
        self.setAccessibleDescription("; ".join(words))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(160, round(sum(self._title + self._height(one) + 10 for one in self.layers)) + 4)

    def tip_at(self, y: float) -> str:
        """What hovering says: the layer there, in full."""
        top = 0
        for layer in self.layers:
            top += self._title + self._height(layer) + 10
            if 0 <= y < top:
                return f"{layer.name}: {layer.kind} {_shape(layer.values)}\n{_quiet(layer.values)}"
        return ""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos().y()), self)
            return True
        return super().event(event)

    def resizeEvent(self, event: object) -> None:
        self.updateGeometry()

    @property
    def _title(self) -> int:
        return self.fontMetrics().height() + 2

    def _columns(self) -> int:
        return max(1, self.width() // (MAP + GAP))

    def _height(self, layer: Layer) -> int:
        values = layer.values
        if values.ndim == 3:
            return min(MAP_ROWS, math.ceil(len(values) / self._columns())) * (MAP + GAP)
        return (self.fontMetrics().height() - 1) * values.size if values.size <= FEW else BARS

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens = QPainter(self), theme.colours(self)
        painter.setFont(caption())
        top = 0
        for place, layer in enumerate(self.layers):
            painter.setPen(QColor(tokens.text))
            line = QRectF(0, top, self.width(), self._title)
            title = f"{layer.kind}  {_shape(layer.values)}"
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft, title)
            painter.setPen(QColor(tokens.muted))
            room_right = self.width() - painter.fontMetrics().horizontalAdvance(title) - 8
            words = _quiet(layer.values)
            for shown in (words, words.split(",")[0]):
                if painter.fontMetrics().horizontalAdvance(shown) <= room_right:
                    painter.drawText(line, Qt.AlignmentFlag.AlignRight, shown)
                    break
            top += self._title
            room = QRectF(0, top, self.width(), self._height(layer))
            if layer.values.ndim == 3:
                self._draw_maps(painter, room, layer.values)
            elif layer.values.size <= FEW:
                last = place == len(self.layers) - 1
                self._draw_few(painter, room, layer.values, self._names if last else ())
            else:
                self._draw_bars(painter, room, layer.values)
            top += round(room.height()) + 10

    def _colour(self, value: float) -> QColor:
        return theme.racer_colour(3 if value > 0 else 0, self)

    def _draw_bars(self, painter: QPainter, room: QRectF, values: NDArray[np.float32]) -> None:
        flat = np.nan_to_num(values.reshape(-1))
        low, high = min(float(flat.min()), 0.0), max(float(flat.max()), 0.0)
        scale = room.height() / ((high - low) or 1.0)
        zero, wide = room.top() + high * scale, room.width() / len(flat)
        painter.setPen(QPen(QColor(theme.colours(self).rule), 1))
        painter.drawLine(QLineF(0, zero, room.width(), zero))
        for place, value in enumerate(flat.tolist()):
            bar = QRectF(place * wide, zero, max(1.0, wide - (wide > 3)), -value * scale)
            painter.fillRect(bar.normalized(), self._colour(value))

    def _draw_few(
        self, painter: QPainter, room: QRectF, values: NDArray[np.float32], names: Sequence[str]
    ) -> None:
        flat = np.nan_to_num(values.reshape(-1))
        metrics, row = painter.fontMetrics(), room.height() / len(flat)
        words = [names[place] if place < len(names) else str(place) for place in range(len(flat))]
        left = max(metrics.horizontalAdvance(word) for word in words) + 6
        figure = metrics.horizontalAdvance("−00.0") + 6
        low, high = min(float(flat.min()), 0.0), max(float(flat.max()), 0.0)
        scale = max(10.0, room.width() - left - figure) / ((high - low) or 1.0)
        zero = left - low * scale
        tokens = theme.colours(self)
        for place, value in enumerate(flat.tolist()):
            top = room.top() + place * row
            painter.setPen(QColor(tokens.text if value == flat.max() else tokens.muted))
            painter.drawText(QRectF(0, top, left - 6, row), Qt.AlignmentFlag.AlignRight, words[place])
            number = f"{value:.1f}".replace("-", "−")
            painter.drawText(
                QRectF(room.width() - figure, top, figure, row), Qt.AlignmentFlag.AlignRight, number
            )
            bar = QRectF(zero, top + row * 0.2, value * scale, row * 0.6)
            painter.fillRect(bar.normalized(), self._colour(value))

    def _draw_maps(self, painter: QPainter, room: QRectF, values: NDArray[np.float32]) -> None:
        columns = self._columns()
        shown = np.nan_to_num(values[: columns * MAP_ROWS])
        strip = signed_image(shown.reshape(-1, shown.shape[-1]), float(np.abs(shown).max()))
        size = shown.shape[1]
        for place in range(len(shown)):
            row, column = divmod(place, columns)
            square = QRectF(column * (MAP + GAP), room.top() + row * (MAP + GAP), MAP, MAP)
            painter.drawImage(square, strip, QRectF(0, place * size, shown.shape[-1], size))


def _shape(values: NDArray[np.float32]) -> str:
    return " × ".join(str(side) for side in values.shape)


def _quiet(values: NDArray[np.float32]) -> str:
    """The range, and how much of it is exactly 0."""
    if not np.isfinite(values).all():
        return "not finite"
    zeros = float((values == 0).mean())
    words = f"{values.min():.2g} to {values.max():.2g}".replace("-", "−")
    return f"{words}, {zeros:.0%} zero".replace("%", " %") if zeros else words
