"""What pictures of data share: the view, lines cut to it, and one line item for each racer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import QWidget

from optgui.core.surface import SurfaceConfig
from optgui.gui import theme
from optgui.gui.plot.data_points import Rows

Array = NDArray[np.float64]
Heads = Mapping[int, Array]  # where each shown racer is: (2,) by id

PALE = 150  # alpha of the lines of racers that are not selected


class View(NamedTuple):
    """What is in view: the middle and a radius that covers it, and the size of a pixel."""

    centre: Array
    radius: float
    pixel: tuple[float, float]
    rect: QRectF

    @classmethod
    def of(cls, box: pg.ViewBox) -> View:
        """What a view box shows."""
        rect = box.viewRect()
        centre = np.array([rect.center().x(), rect.center().y()])
        pixel = rect.width() / max(box.width(), 1.0), rect.height() / max(box.height(), 1.0)
        return cls(centre, math.hypot(rect.width(), rect.height()) / 2, pixel, rect)


def chord(normal: Sequence[float] | Array, offset: float, view: View) -> Array:
    """The part in view of the line normal · u = offset as its ends (2, 2); no row if it is out of view."""
    length = math.hypot(*normal)
    if not (math.isfinite(length) and length > 0 and math.isfinite(offset)):
        return np.empty((0, 2))
    unit = np.array(normal) / length
    away = offset / length - float(unit @ view.centre)
    if abs(away) > view.radius:
        return np.empty((0, 2))
    half = math.sqrt(view.radius**2 - away**2)
    along = np.array([-unit[1], unit[0]])
    foot = view.centre + away * unit
    return np.array([foot - half * along, foot + half * along])


class Lines:
    """One curve item for each racer, with its colour and dash; those of racers not selected are pale."""

    def __init__(self, picture: Picture, depth: float, *, thin: bool = False) -> None:
        self._picture, self._depth, self._thin = picture, depth, thin
        self.items: dict[int, pg.PlotCurveItem] = {}
        self._styles: dict[int, bool] = {}

    def draw(self, ends: Mapping[int, Array], chosen: int | None) -> None:
        """Draw segments (2 k, 2) by racer; the others' items go."""
        for identity in set(self.items) - set(ends):
            self._picture.drop(self.items.pop(identity))
            self._styles.pop(identity)
        for identity, points in ends.items():
            if identity not in self.items:
                self.items[identity] = self._picture.add(
                    pg.PlotCurveItem(connect="pairs", antialias=True), self._depth
                )
            if self._styles.get(identity) != (identity == chosen):
                self._styles[identity] = identity == chosen
                self._style(identity, chosen=identity == chosen)
            self.items[identity].setData(points[:, 0], points[:, 1])

    def recolour(self) -> None:
        """Take the colours of the present look."""
        for identity, chosen in self._styles.items():
            self._style(identity, chosen=chosen)

    def _style(self, identity: int, *, chosen: bool) -> None:
        colour = theme.racer_colour(identity, self._picture.widget)
        if not chosen:
            colour.setAlpha(PALE // 3 if self._thin else PALE)
        thin = Qt.PenStyle.DashLine if chosen else Qt.PenStyle.SolidLine
        dash = thin if self._thin else theme.racer_dash(identity)
        item = self.items[identity]
        item.setPen(pg.mkPen(colour, width=2 if chosen and not self._thin else 1, style=dash))
        item.setZValue(self._depth + 0.5 * chosen)


class Picture:
    """What is drawn round the points of one problem: items on a plot, and the words for the header."""

    labelled: ClassVar[bool] = False
    round: ClassVar[bool] = True  # both axes have one scale
    axes: ClassVar[tuple[str, str]] = ("u₁", "u₂")
    through_zero: ClassVar[bool] = False  # (0, 0) belongs to the picture

    def __init__(self, plot: pg.PlotWidget, widget: QWidget) -> None:
        self._plot, self.widget = plot, widget
        self._items: list[Any] = []
        self.lines = Lines(self, 5)

    def add(self, item: Any, depth: float) -> Any:
        """Put an item on the plot."""
        item.setZValue(depth)
        self._plot.addItem(item, ignoreBounds=True)
        self._items.append(item)
        return item

    def drop(self, item: Any) -> None:
        """Take an item off the plot."""
        self._items.remove(item)
        self._plot.removeItem(item)

    def remove(self) -> None:
        """Take everything off the plot."""
        for item in tuple(self._items):
            self.drop(item)

    def recolour(self) -> None:
        """Take the colours of the present look."""
        self.lines.recolour()

    def draw(self, config: SurfaceConfig, rows: Rows, heads: Heads, chosen: int | None, view: View) -> str:
        """Draw for racers at `heads`; gives the words for the chosen one, "" without a racer."""
        raise NotImplementedError
