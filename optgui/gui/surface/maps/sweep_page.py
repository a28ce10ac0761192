"""SweepPage: how far every racer gets at every learning rate."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from optgui.core.params import Config
from optgui.core.surface import DescentConfig, RacerConfig
from optgui.core.surface.maps.sweep import SweepConfig, SweepFrame
from optgui.gui import theme
from optgui.gui.plot.curve_axis import short
from optgui.gui.surface.map_page import Domain, MapPage, place_of
from optgui.gui.surface.maps.bar import Toggle, bar
from optgui.gui.surface.maps.plot import MapPlot, Note
from optgui.gui.surface.maps.racers import taking_part
from optgui.gui.surface.maps.sweep_numbers import (
    Heights,
    arrivals,
    height_at,
    last_before,
    losses,
    lost,
    spans,
    told_apart,
)
from optgui.gui.surface.maps.words import point
from optgui.gui.surface.maps.zone_layer import ZoneLayer
from optgui.gui.surface.race_numbers import called
from optgui.jobs.controller import PaintBudget

LOW, HIGH = 1e-5, 10.0  # the axis of rates, wider where a racer's own lies beyond
NEAR_PX = 14  # of a line: a click takes the rate for that racer
DIGITS = 3  # of a rate that a click takes
SWEPT_RATE = 0.01  # the racers' own rates do not matter, and must not begin a new sweep


class SweepPage(MapPage):
    """Final loss, or steps to arrive, over the learning rate; a click takes the rate."""

    subject = "sweep"
    title = "Rate sweep"
    help = "How far every racer gets at every learning rate"

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        super().__init__(budget, parent)
        self.measure = Toggle(
            "Measure",
            "surface.sweep.measure",
            [
                ("loss", "Final loss", "The loss after the last step"),
                ("steps", "Steps to reach", "How many steps it takes to get nearly there"),
            ],
        )
        self.measure.changed.connect(lambda _: self._redraw())
        self.plot = MapPlot("Rate sweep", "surface.sweep.plot", decades=True, grid=True)
        self.plot.x_label = "lr"
        self.view = self.plot.view
        self.view.setMouseEnabled(x=False, y=False)
        self.zones = ZoneLayer(self.view)
        self.marks = pg.PlotCurveItem(connect="pairs")
        self.lines: dict[int, pg.PlotCurveItem] = {}
        self.ends = pg.ScatterPlotItem(symbol="x", size=9, pxMode=True)
        self.dots = pg.ScatterPlotItem(symbol="o", size=11, pxMode=True)
        for depth, item in ((1, self.marks), (5, self.ends), (6, self.dots)):
            item.setZValue(depth)
            self.plot.addItem(item, ignoreBounds=True)
        self.body.addWidget(bar(self.measure, None))
        self.body.addWidget(self.plot, 1)
        self.heights: Heights | None = None
        self.plot.pointed.connect(self._on_pointed)
        self.plot.clicked.connect(self._on_clicked)
        self.restyle()

    def config_for(self, race: DescentConfig, domain: Domain, racer: int | None) -> Config:
        shown = taking_part(race)
        rates = [one.optimizer.lr for one in shown]
        swept = [
            one.model_copy(update={"optimizer": one.optimizer.changed("lr", SWEPT_RATE)}) for one in shown
        ]
        return SweepConfig(
            race=race.model_copy(update={"racers": tuple(swept)}),
            low=min(LOW, decade(min(rates), -1)),
            high=max(HIGH, decade(max(rates), 1)),
        )

    def show_race(self, race: DescentConfig, domain: Domain, racer: int | None, *, wanted: bool) -> None:
        """Take the race; its present rates and the selected racer show at once."""
        super().show_race(race, domain, racer, wanted=wanted)
        if wanted:
            self._redraw()

    def is_picture(self, frame: SweepFrame) -> bool:
        return bool(frame.lrs.size)

    def draw(self, frame: SweepFrame) -> None:
        self._redraw()

    def show_nothing(self, sentence: str) -> None:
        self._draw_lines(())
        self.heights = None
        self.marks.setData([], [])
        self.ends.setData([])
        self.dots.setData([])
        self.zones.draw(())
        self.plot.notes, self.plot.marks, self.plot.hint = (), (), sentence
        self.plot.say("")
        self.plot.viewport().update()

    def restyle(self) -> None:
        self.zones.recolour(theme.colours(self))
        self._redraw()

    def _redraw(self) -> None:
        frame = self.frame
        if frame is None or self.racer is None:
            return
        steps = self.measure.value == "steps"
        self.heights = heights = arrivals(frame) if steps else losses(frame)
        self.plot.y_axis.decades = heights.decades
        self.plot.y_label = heights.label
        unknown = steps and not frame.config.race.surface.minima
        self.plot.hint = "No minimum is known, so nobody arrives" if unknown else ""
        x0, x1 = math.log10(frame.config.low), math.log10(frame.config.high)
        self.view.setRange(
            QRectF(x0, heights.low, x1 - x0, heights.high - heights.low), padding=0, disableAutoRange=True
        )
        self._draw_lines(frame.ids)
        self._draw_points(frame, heights)
        self._draw_selected(frame, heights)
        self.say(sentence(frame, self.racer, steps=steps))
        self.plot.viewport().update()
        self._on_pointed(self.plot.cursor_at)

    def _draw_lines(self, ids: tuple[int, ...]) -> None:
        for identity in set(self.lines) - set(ids):
            self.plot.removeItem(self.lines.pop(identity))
        for row, identity in enumerate(ids):
            if identity not in self.lines:
                self.lines[identity] = pg.PlotCurveItem(connect="finite")
                self.lines[identity].setZValue(2)
                self.plot.addItem(self.lines[identity], ignoreBounds=True)
            line = self.lines[identity]
            width = 2 if self.racer is not None and identity == self.racer.id else 1
            line.setPen(
                pg.mkPen(theme.racer_colour(identity, self), width=width, style=theme.racer_dash(identity))
            )
            if self.heights is not None:
                line.setData(self.heights.x, self.heights.y[row])

    def _draw_points(self, frame: SweepFrame, heights: Heights) -> None:
        """Crosses where lines end because racers diverge, dots at the present rates, with names."""
        tokens, crosses, dots, notes = theme.colours(self), [], [], []
        gone = lost(frame)
        for row, identity in enumerate(frame.ids):
            colour = theme.racer_colour(identity, self)
            pen = pg.mkPen(colour, width=1.5)
            crosses += [
                {"pos": at, "pen": pen, "brush": pg.mkBrush(colour)} for at in last_before(heights, gone, row)
            ]
            racer = self._present(identity)
            if racer is None:
                continue
            x, y = math.log10(racer.optimizer.lr), height_at(heights, row, racer.optimizer.lr)
            nowhere = not math.isfinite(y)
            y = heights.high - 0.03 * (heights.high - heights.low) if nowhere else y
            dots.append(
                {"pos": (x, y), "brush": pg.mkBrush(tokens.plot if nowhere else colour), "pen": pg.mkPen(
                    colour if nowhere else tokens.plot, width=1.5)}
            )  # fmt: skip
            notes.append(Note(called(racer), x, y, colour.name()))
        self.ends.setData(crosses)
        self.dots.setData(dots)
        self.plot.notes = notes

    def _draw_selected(self, frame: SweepFrame, heights: Heights) -> None:
        """The ruler's marks and the rates that diverge, of the selected racer."""
        tokens, racer = theme.colours(self), self.racer
        if racer is None or racer.id not in frame.ids:
            self.marks.setData([], [])
            self.plot.marks = ()
            self.zones.draw(())
            return
        row = frame.ids.index(racer.id)
        places = [(math.log10(mark.value), mark) for mark in frame.rulers[row].marks if mark.value > 0]
        places = [(x, mark) for x, mark in places if math.isfinite(x)]
        self.marks.setData(
            np.repeat([x for x, _ in places], 2), np.tile([heights.low, heights.high], len(places))
        )
        colour = QColor(tokens.muted)
        self.marks.setPen(pg.mkPen(colour, width=1, style=theme.DASHES[1]))
        rates = told_apart([mark.value for _, mark in places])
        x0, x1 = math.log10(frame.config.low), math.log10(frame.config.high)
        self.plot.marks = [
            (x, f"{mark.label} {rate}")
            for (x, mark), rate in zip(places, rates, strict=True)
            if x0 <= x <= x1
        ]
        bands = spans(frame.lrs, lost(frame)[row])
        self.zones.draw(bands)
        if bands:
            bottom = heights.low + 0.04 * (heights.high - heights.low)
            self.plot.notes = [
                *self.plot.notes,
                Note(f"{called(racer)} diverges", max(bands[-1][0], x0), bottom, "error"),
            ]

    def _present(self, identity: int) -> RacerConfig | None:
        """The racer as it is in the race now."""
        assert self._race is not None
        return next((racer for racer in self._race[0].racers if racer.id == identity), None)

    def _on_pointed(self, at: tuple[float, float] | None) -> None:
        frame = self.frame
        if at is None or frame is None or self._race is None:
            self.plot.say("")
            return
        place = int(np.abs(np.log10(frame.lrs) - at[0]).argmin())
        rows = [f"lr {frame.lrs[place]:.4g}"]
        steps = self.measure.value == "steps"
        for row, identity in enumerate(frame.ids):
            racer = self._present(identity)
            if racer is not None:
                rows.append(f"{called(racer)}: {value(frame, row, place, steps=steps)}")
        self.plot.say("\n".join(rows))

    def _on_clicked(self, x: float, y: float) -> None:
        if self._race is None or self.racer is None:
            return
        nearest = self._nearest(x, y)
        identity = self.racer.id if nearest is None else nearest
        lr = float(f"{10**x:.{DIGITS}g}")
        self.taken.emit({f"racers.{place_of(self._race[0], identity)}.optimizer.lr": lr})

    def _nearest(self, x: float, y: float) -> int | None:
        """The racer whose line passes within a few pixels of a point."""
        if self.heights is None or self.frame is None:
            return None
        pixel = self.view.viewPixelSize()[1]
        away = [abs(height_at(self.heights, row, 10**x) - y) / pixel for row in range(len(self.frame.ids))]
        best = min(range(len(away)), key=lambda row: away[row] if away[row] == away[row] else math.inf)
        return int(self.frame.ids[best]) if away[best] <= NEAR_PX else None


def decade(rate: float, side: int) -> float:
    """The next power of ten that lies at least half a decade below (-1) or above (1) a rate."""
    power = math.log10(rate) + 0.5 * side
    return 10.0 ** (math.floor(power) if side < 0 else math.ceil(power))


def value(frame: SweepFrame, row: int, place: int, *, steps: bool) -> str:
    """What a racer gets to at a rate, in words."""
    gone, reached = frame.diverged[row, place], frame.reached[row, place]
    if not math.isnan(gone):
        return f"diverges at step {gone:,.0f}"
    if steps:
        return "does not arrive" if math.isnan(reached) else f"{reached:,.0f} steps"
    final = frame.finals[row, place]
    return "left out" if math.isnan(final) else short(float(final))


def sentence(frame: SweepFrame, racer: RacerConfig, *, steps: bool) -> str:
    """What is seen of the selected racer, and who is left out."""
    left_out, name = " ".join(frame.left_out), called(racer)
    if racer.id not in frame.ids:
        return f"{name} is not shown, so it is not swept. {left_out}".strip()
    row, race = frame.ids.index(racer.id), frame.config.race
    reached, gone = frame.reached[row], lost(frame)[row]
    if np.isnan(frame.best_lrs[row]):
        return left_out if not gone.any() else f"{name} diverges at every rate. {left_out}".strip()
    if steps and np.isnan(reached).all():
        words = f"{name} arrives at no rate within {race.steps:,} steps"
    elif steps:
        place = int(np.nanargmin(reached))
        words = f"{name} arrives soonest at lr {frame.lrs[place]:.3g}: {reached[place]:,.0f} steps"
    else:
        final = short(float(frame.best_finals[row]))
        words = f"{name} ends lowest at lr {frame.best_lrs[row]:.3g}: f = {final} after {race.steps:,} steps"
    if bands := spans(frame.lrs, gone):
        words += f"; it diverges from lr {10 ** max(bands[-1][0], math.log10(frame.config.low)):.3g}"
    where = point(frame.hessian_at, flat=race.surface.entry.dimension == 1)
    ruler = f" The dashed marks are of the curvature at {where}." if frame.rulers[row].marks else ""
    return f"{words}.{ruler} {left_out}".strip()
