"""RateMapPage: how fast momentum converges at every learning rate and momentum."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QWidget

from optgui.core.constraints import WholeSpace
from optgui.core.params import Config
from optgui.core.surface import DescentConfig, RacerConfig
from optgui.core.surface.maps.rate_map import RateMapConfig, RateMapFrame
from optgui.core.surface.maps.sweep import eigenvalues_near
from optgui.gui import theme
from optgui.gui.surface.map_page import Domain, MapPage, chosen, place_of
from optgui.gui.surface.maps.bar import Toggle, bar
from optgui.gui.surface.maps.image_layer import ImageLayer
from optgui.gui.surface.maps.plot import MapPlot, Note
from optgui.gui.surface.maps.rate_colours import ColourBar, paint_factors
from optgui.gui.surface.maps.rate_map_numbers import (
    Shown,
    effect,
    extras_of,
    form_of,
    limits,
    momentum_of,
    pair,
)
from optgui.gui.surface.maps.words import point
from optgui.gui.surface.race_numbers import called
from optgui.jobs.controller import PaintBudget

FORMS = (
    ("heavy ball", "Heavy ball", "v = β v + g;  x −= lr v, as torch's SGD"),
    ("nesterov", "Nesterov", "v = β v + g;  x −= lr (g + β v), as torch's SGD with Nesterov"),
    ("average", "Average", "v = β v + (1 − β) g;  x −= lr v, as the textbook's Momentum"),
)
BELOW, ABOVE = 1e-2, 1e1  # the axis of rates begins and ends at these multiples of 1 / λ_max
ABOVE_AVERAGE = 1e3  # an average makes steps smaller by 1 − β
EDGE = 0.02  # room around the cells, for a dot that lies at an end
STAR = "#FFE066"  # as the minima of the map


class RateMapPage(MapPage):
    """The factor per step over rate and momentum, in theory or measured; a click takes both."""

    subject = "rate_map"
    title = "Rate map"
    help = "How fast momentum converges at every learning rate and momentum"

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        super().__init__(budget, parent)
        self.source = Toggle(
            "Factors",
            "surface.rate_map.source",
            [
                ("theory", "Theory", "Of the quadratic model at the minimum nearest to the start"),
                ("measured", "Measured", "Of runs on the surface itself, from the start"),
            ],
        )
        self.form = Toggle("Momentum", "surface.rate_map.form", FORMS)
        self.source.changed.connect(lambda _: self._redraw())
        self.form.changed.connect(lambda _: self.recompute())
        self.colour_bar = ColourBar("surface.rate_map.colours")
        self.plot = MapPlot("Rate map", "surface.rate_map.plot", decades=True)
        self.plot.x_label, self.plot.y_label = "lr", "momentum"
        self.view = self.plot.view
        self.view.setMouseEnabled(x=False, y=False)
        self.image = ImageLayer(self.view)
        self.limit_casing, self.limit, self.best_casing, self.best = (
            pg.PlotCurveItem(connect="finite") for _ in range(4)
        )
        self.optimum = pg.ScatterPlotItem(symbol="star", size=16, pxMode=True)
        self.dot = pg.ScatterPlotItem(symbol="o", size=12, pxMode=True)
        for item in (*self._lines, self.optimum, self.dot):
            self.plot.addItem(item, ignoreBounds=True)
        self.body.addWidget(bar(self.source, self.form, None))
        self.body.addWidget(bar(self.colour_bar, None))
        self.body.addWidget(self.plot, 1)
        self._own_form = ""
        self._theory = self._limits = np.empty(0)
        self.plot.pointed.connect(self._on_pointed)
        self.plot.clicked.connect(self._on_clicked)
        self.restyle()

    def config_for(self, race: DescentConfig, domain: Domain, racer: int | None) -> Config:
        one = chosen(race, racer)
        if not form_of(one):
            raise ValueError(
                f"{called(one)} has no rate map: select a racer that is SGD, or Momentum of the textbook."
            )
        if not math.isfinite(race.surface.value(*race.start)):
            at = point(race.start, flat=race.surface.entry.dimension == 1)
            raise ValueError(f"Start: expected a point where f has a value, got {at}.")
        extras = extras_of(one, self.form.value)
        _, curvatures = eigenvalues_near(race.surface, race.start)
        steepest = float(np.abs(curvatures + extras.get("weight_decay", 0.0)).max()) or 1.0
        above = ABOVE_AVERAGE if self.form.value == "average" else ABOVE
        low, high = (10.0 ** round(math.log10(factor / steepest)) for factor in (BELOW, above))
        return RateMapConfig(
            surface=race.surface,
            start=race.start,
            form=self.form.value,
            **extras,
            low=min(low, one.optimizer.lr),
            high=max(high, one.optimizer.lr),
        )

    def show_race(self, race: DescentConfig, domain: Domain, racer: int | None, *, wanted: bool) -> None:
        """Take the race; the form of momentum follows the selected racer's."""
        own = form_of(chosen(race, racer))
        if own and own != self._own_form:
            self._own_form = own
            self.form.choose(own)
        super().show_race(race, domain, racer, wanted=wanted)
        if wanted:
            self._redraw()

    def draw(self, frame: RateMapFrame) -> None:
        if frame.theory is not self._theory:
            self._theory, self._limits = frame.theory, limits(frame)
        self._redraw()

    def show_nothing(self, sentence: str) -> None:
        self.image.clear()
        for line in self._lines:
            line.setData([], [])
        self.optimum.setData([])
        self.dot.setData([])
        self.plot.notes, self.plot.hint = (), sentence
        self.plot.say("")
        self.plot.viewport().update()

    def restyle(self) -> None:
        tokens = theme.colours(self)
        self.image.recolour(tokens)
        for casing in (self.limit_casing, self.best_casing):
            casing.setPen(pg.mkPen(tokens.casing, width=3))
        self.limit.setPen(pg.mkPen(tokens.text, width=1.5))
        self.best.setPen(pg.mkPen(tokens.text, width=1.5, style=theme.DASHES[1]))
        self.optimum.setPen(pg.mkPen(tokens.text, width=1))
        self.optimum.setBrush(pg.mkBrush(STAR))
        self._redraw()

    @property
    def _lines(self) -> tuple[pg.PlotCurveItem, ...]:
        return self.limit_casing, self.limit, self.best_casing, self.best

    @property
    def shown(self) -> Shown:
        """What is drawn: theory, or what was measured so far."""
        frame = self.frame
        if self.source.value == "theory":
            return Shown(frame.theory, frame.lrs, frame.momenta, np.zeros(frame.theory.shape, np.bool_))
        return Shown(frame.measured, frame.measured_lrs, frame.measured_momenta, frame.unsettled)

    def _redraw(self) -> None:
        frame, racer = self.frame, self.racer
        if frame is None or racer is None or self._race is None:
            return
        config, shown = frame.config, self.shown
        x0, x1 = math.log10(config.low), math.log10(config.high)
        self.view.setRange(QRectF(x0, 0.0, x1 - x0, config.most), padding=EDGE, disableAutoRange=True)
        if shown.factors.size:
            x, y = np.log10(shown.lrs), shown.momenta
            dx, dy = x[1] - x[0], y[1] - y[0]
            rect = QRectF(x[0] - dx / 2, y[0] - dy / 2, len(x) * dx, len(y) * dy)
            self.image.draw(paint_factors(shown.factors, theme.colours(self), shown.unsettled), rect)
        else:
            self.image.clear()
        for lrs, pair_of_lines in ((self._limits, self._lines[:2]), (frame.best_lrs, self._lines[2:])):
            for line in pair_of_lines:
                line.setData(np.log10(np.where(np.isfinite(lrs), lrs, np.nan)), frame.momenta)
        tuning, notes = frame.optimum, []
        self.optimum.setData([] if tuning is None else [{"pos": (math.log10(tuning.lr), tuning.beta)}])
        if tuning is not None:
            notes.append(Note(f"best pair: {tuning.rate:.3g}", math.log10(tuning.lr), tuning.beta))
        if form_of(racer):
            at = math.log10(racer.optimizer.lr), min(momentum_of(racer), config.most)
            colour = theme.racer_colour(racer.id, self)
            self.dot.setData(
                [
                    {
                        "pos": at,
                        "brush": pg.mkBrush(colour),
                        "pen": pg.mkPen(theme.colours(self).casing, width=2),
                    }
                ]
            )
            notes.append(Note(called(racer), *at))
        self.plot.hint = ""
        self.plot.notes = [*notes, *self._names_of_lines(frame)]
        words = sentence(frame, shown, racer, measured=self.source.value == "measured")
        self.say(f"{words} {left_out(self._race[0])}".strip())
        self.plot.viewport().update()
        self._on_pointed(self.plot.cursor_at)

    def _names_of_lines(self, frame: RateMapFrame) -> list[Note]:
        """What the two lines are, at heights where the words do not cover each other."""
        notes = []
        for name, share, lrs in (("limit", 0.6, self._limits), ("best rate", 0.12, frame.best_lrs)):
            row = int(share * len(frame.momenta))
            if math.isfinite(lrs[row]):
                notes.append(Note(name, math.log10(lrs[row]), float(frame.momenta[row]), "muted"))
        return notes

    def _on_pointed(self, at: tuple[float, float] | None) -> None:
        cell = None if at is None or self.frame is None else self.shown.cell(*at)
        if cell is None:
            self.plot.say("")
            return
        (row, column), shown = cell, self.shown
        lr, momentum = pair(shown, row, column)
        words = effect(float(shown.factors[cell]), unsettled=bool(shown.unsettled[cell]))
        self.plot.say(f"lr {lr:g}\nmomentum {momentum:g}\n{words}")

    def _on_clicked(self, x: float, y: float) -> None:
        racer = self.racer
        if self.frame is None or racer is None or self._race is None:
            return
        cell = self.shown.cell(x, y)
        if cell is None:
            return
        own, wanted = form_of(racer), self.frame.config.form
        if own != wanted and "average" in (own, wanted):
            other = "Momentum of the textbook" if wanted == "average" else "SGD"
            self.said.emit(
                f"{called(racer)} does not have this form of momentum: select a racer that is {other}."
            )
            return
        lr, momentum = pair(self.shown, *cell)
        path = f"racers.{place_of(self._race[0], racer.id)}.optimizer"
        changes: dict[str, object] = {f"{path}.lr": lr, f"{path}.momentum": momentum}
        if own != wanted:
            changes[f"{path}.nesterov"] = wanted == "nesterov"
        self.taken.emit(changes)


def left_out(race: DescentConfig) -> str:
    """What of a race the map does not know, as a sentence; empty if it knows all."""
    things = ["the feasible set"] if not isinstance(race.feasible(), WholeSpace) else []
    things += ["the noise"] if race.noise.name != "None" else []
    return f"Left out: {' and '.join(things)}." if things else ""


def sentence(frame: RateMapFrame, shown: Shown, racer: RacerConfig, *, measured: bool) -> str:
    """What is seen of the selected racer, and what would be best."""
    flat = frame.config.surface.entry.dimension == 1
    where = point(frame.hessian_at, flat=flat)
    name = called(racer.model_copy(update={"optimizer": racer.optimizer.changed("momentum", 0.0)}))
    cell = shown.cell(math.log10(racer.optimizer.lr), momentum_of(racer))
    if cell is None:
        words = "The first runs are on their way."
    else:
        factor = float(shown.factors[cell])
        basis = f"measured over {frame.config.steps} steps" if measured else f"theory at {where}"
        what = "gradient" if measured else "distance"
        if math.isnan(factor):
            words = "nothing moves"
        elif shown.unsettled[cell]:
            words = "it is not settled yet: the loss falls, the gradient grows"
        elif factor >= 1:
            words = "it does not converge"
        else:
            words = f"each step leaves about {factor:.3g} of the {what}"
        words = f"{name}, lr {racer.optimizer.lr:.4g}, momentum {momentum_of(racer):.4g}: {words} ({basis})."
    best = frame.optimum
    if best is None:
        return f"{words} The curvature at {where} is not a bowl's, so no pair converges in theory."
    return f"{words} Theory's best pair leaves {best.rate:.3g}: lr {best.lr:.3g}, momentum {best.beta:.3g}."
