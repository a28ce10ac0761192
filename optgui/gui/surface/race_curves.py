"""The curves of a race: loss, gradient, distance and rate of every racer, and a table of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.surface.finals_table import FinalsTable
from optgui.gui.surface.race_numbers import Array, called, distances, lowest_known, measure_name

if TYPE_CHECKING:
    from optgui.core.surface import DescentFrame

__all__ = ["RaceCurves", "called"]

MOST_LIVE = 300_000  # numbers of a race that are drawn while it is still being computed
_ROUNDING = 1e-9  # a known minimum at -1e-17 counts as one at 0


class RaceCurves(QWidget):
    """One picture at a time over the steps, and beside it the rates where a schedule moves them.

    Only what is seen is filled.
    """

    wanted = Signal(int)  # the step a person clicked on

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("surface.curves")
        self.loss = CurveView("Loss", "f", log=True, object_name="surface.loss")
        self.gradient = CurveView("Gradient", "gradient norm", log=True, object_name="surface.gradient")
        self.distance = CurveView(
            "Distance", "to the nearest minimum", log=True, object_name="surface.distance"
        )
        self.rate = CurveView("Rate", "effective learning rate", log=True, object_name="surface.rate")
        self.finals = FinalsTable()
        self._curves: dict[CurveView, Callable[[DescentFrame], Array]] = {
            self.loss: self._losses,
            self.gradient: lambda frame: frame.measures,
            self.distance: lambda frame: distances(frame),
            self.rate: lambda frame: frame.lrs,
        }
        self.tabs = QTabBar()
        self.tabs.setObjectName("surface.curves.tabs")
        self.tabs.setAccessibleName("What is shown of the race")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self._pages = QStackedWidget()
        for view, help in (
            (self.loss, "The value of the function at each step"),
            (
                self.gradient,
                "How steep it is where the racer stands; inside a feasible set, how far a step leads",
            ),
            (self.distance, "How far the nearest known minimum is"),
        ):
            self._add(view, view.name, help)
        for view in self._curves:
            view.clicked.connect(self._on_clicked)
        self._add(self.finals, "Finals", "All numbers of each racer at this step")
        self.tabs.currentChanged.connect(self._on_tab)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        strip = QHBoxLayout()
        strip.setContentsMargins(0, 0, 8, 0)
        strip.addWidget(self.tabs, 1)
        strip.addWidget(self.finals.copy_button)
        self.finals.copy_button.hide()
        layout.addLayout(strip)
        self.rate.hide()
        beside = QSplitter(Qt.Orientation.Horizontal)
        beside.setHandleWidth(1)
        beside.setChildrenCollapsible(False)
        beside.addWidget(self._pages)
        beside.addWidget(self.rate)
        beside.setStretchFactor(0, 2)
        beside.setStretchFactor(1, 1)
        beside.setSizes([200, 100])
        layout.addWidget(beside, 1)
        self._frame: DescentFrame | None = None
        self._shown: Mapping[int, bool] = {}
        self._step = 0
        self._names: tuple[tuple[int, str], ...] = ()
        self._stale: set[CurveView] = set()
        self._lowest: float | None = None  # f* where the losses are drawn above it

    def _add(self, page: QWidget, title: str, help: str) -> None:
        self.tabs.setTabToolTip(self.tabs.addTab(title), help)
        self._pages.addWidget(page)

    def show_race(self, frame: DescentFrame, shown: Mapping[int, bool], step: int) -> None:
        """Show all of a frame, with the play head at `step`; the same frame again costs almost nothing."""
        if frame is not self._frame:
            self._take(frame)
        if shown != self._shown:
            self._shown = dict(shown)
            self._stale.update(self._curves)
        self._step = step
        self._show_page()

    def show_page(self, title: str) -> None:
        """Choose a tab by its title."""
        titles = [self.tabs.tabText(index) for index in range(self.tabs.count())]
        self.tabs.setCurrentIndex(titles.index(title))

    def _take(self, frame: DescentFrame) -> None:
        before, self._frame = self._frame, frame
        self._stale.update(self._curves)
        config = frame.config
        if before is not None and config == before.config and frame.ids == before.ids:
            return
        names = tuple((racer.id, called(racer)) for racer in config.racers)
        if names != self._names:
            self._names = names
            for view in self._curves:
                for key in tuple(view.lines):
                    view.remove_line(key)
                for identity, name in names:
                    view.add_line(str(identity), name, identity, dash=theme.racer_dash(identity))
        for view in self._curves:
            view.set_span(config.steps)
        self.rate.setVisible(any(racer.scheduler.name != "None" for racer in config.racers))
        self.gradient.set_y_label(measure_name(config))
        self.distance.set_hint("" if frame.minima else "No minimum is known")
        if before is None or before.config.surface != config.surface:
            self._choose_scale(frame)
            for view in self._curves:
                view.fit()

    def _choose_scale(self, frame: DescentFrame) -> None:
        """Draw losses on a log axis, above the lowest known value where that is negative."""
        lowest = lowest_known(frame.config.surface)
        self._lowest = lowest if lowest is not None and lowest < -_ROUNDING else None
        flat = frame.config.surface.entry.dimension == 1
        self.loss.set_y_label("f − f*" if self._lowest is not None else "f(x)" if flat else "f(x, y)")
        self.loss.set_log(lowest is not None)

    def _losses(self, frame: DescentFrame) -> Array:
        return frame.losses if self._lowest is None else frame.losses - self._lowest

    def _show_page(self) -> None:
        frame, page = self._frame, self._pages.currentWidget()
        if frame is None:
            return
        if page is self.finals:
            self.finals.show_race(frame, self._shown, self._step)
        for view in self._curves:
            if view is page or (view is self.rate and not view.isHidden()):
                if view in self._stale and not self._too_long_yet(frame):
                    self._fill(view, frame)
                view.set_head(self._step)

    @staticmethod
    def _too_long_yet(frame: DescentFrame) -> bool:
        """A long race is drawn when it is computed: each of its pictures would hold the window up."""
        going_on = frame.step < frame.config.steps and None in frame.diverged
        return going_on and frame.losses.size > MOST_LIVE

    def _fill(self, view: CurveView, frame: DescentFrame) -> None:
        self._stale.discard(view)
        steps, values = np.arange(frame.step + 1, dtype=np.float64), self._curves[view](frame)
        for place, identity in enumerate(frame.ids):
            key, stop = str(identity), frame.diverged[place]
            empty = view is self.distance and not frame.minima
            end = 0 if empty else frame.step + 1 if stop is None else stop
            view.set_line(key, steps[:end], values[place, :end])
            view.set_line_visible(key, self._shown.get(identity, True))
        if not view.is_zoomed:
            view.fit()  # a path drawn anew may be shorter and lower than the one before
        view.refresh()

    def _on_tab(self, index: int) -> None:
        self._pages.setCurrentIndex(index)
        self.finals.copy_button.setVisible(self._pages.currentWidget() is self.finals)
        self._show_page()

    def _on_clicked(self, x: float) -> None:
        if self._frame is not None:
            self.wanted.emit(min(max(round(x), 0), self._frame.step))
