"""BasinsPage: from where an optimizer reaches which minimum, and how soon."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, QTimer
from PySide6.QtWidgets import QWidget

from optgui.core.params import Config
from optgui.core.surface import DescentConfig
from optgui.core.surface.maps.basins import (
    DIVERGED,
    NOT_ARRIVED,
    UNDEFINED,
    BasinsConfig,
    BasinsFrame,
)
from optgui.core.surface.maps.work import moves_many
from optgui.gui import theme
from optgui.gui.surface.map_page import Domain, MapPage, chosen
from optgui.gui.surface.maps.bar import Toggle, bar
from optgui.gui.surface.maps.basin_colours import paint_basins
from optgui.gui.surface.maps.image_layer import ImageLayer
from optgui.gui.surface.maps.plot import MapPlot, Note
from optgui.gui.surface.maps.words import percent, point
from optgui.gui.surface.race_numbers import called
from optgui.jobs.controller import PaintBudget

SIDES = ("96", "192", "400")
REST_MS = 150  # after a zoom, before the starts in view are computed
MOST_STEPS = 100_000
LABELLED = 12  # minima with a label, those that most starts reach
LEAST = 0.02  # share of starts; smaller ones have no label
NAMED = 3  # minima in the sentence
FEW = 0.2  # share of starts; where fewer arrive, more steps would show more
STAR = "#FFE066"  # as on the map


class BasinsPage(MapPage):
    """One racer from every start in view: a colour for each minimum, stronger where it arrives sooner."""

    subject = "basins"
    title = "Basins"
    help = "Which minimum the selected racer reaches from every start"

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        super().__init__(budget, parent)
        self.side = Toggle(
            "Starts per side",
            "surface.basins.side",
            [(side, side, f"{side} × {side} starts") for side in SIDES],
        )
        self.side.choose("192")
        self.side.changed.connect(lambda _: self.recompute())
        self.plot = MapPlot("Basins of attraction", "surface.basins.plot")
        self.view = self.plot.view
        self.view.setAspectLocked(True)
        self.image = ImageLayer(self.view)
        self.stars = pg.ScatterPlotItem(symbol="star", size=16, pxMode=True)
        self.start = pg.ScatterPlotItem(symbol="o", size=14, pxMode=True, brush=None)
        for item in (self.stars, self.start):
            self.plot.addItem(item, ignoreBounds=True)
        self.body.addWidget(bar(self.side, None))
        self.body.addWidget(self.plot, 1)
        self._given: Domain | None = None
        self._noisy = False
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(self._on_rest)
        self.view.sigRangeChanged.connect(lambda *_: self._rest.start())
        self.plot.fit_wanted.connect(self.fit)
        self.plot.pointed.connect(self._on_pointed)
        self.plot.clicked.connect(self._on_clicked)
        self.restyle()

    @property
    def domain(self) -> Domain:
        """What is in view."""
        (x0, x1), (y0, y1) = self.view.viewRange()
        return (float(x0), float(x1)), (float(y0), float(y1))

    def config_for(self, race: DescentConfig, domain: Domain, racer: int | None) -> Config:
        one = chosen(race, racer)
        if not moves_many(one.optimizer):
            raise ValueError(
                f"{called(one)} is moved by torch one start at a time, which takes minutes: "
                "select another racer."
            )
        return BasinsConfig(
            surface=race.surface,
            constraint=race.constraint,
            racer=one.model_copy(update={"visible": True}),
            domain=domain,
            side=int(self.side.value),
            steps=min(race.steps, MOST_STEPS),
        )

    def show_race(self, race: DescentConfig, domain: Domain, racer: int | None, *, wanted: bool) -> None:
        """Take the race; another domain of the map is taken over, else the page keeps its own view."""
        if domain != self._given:
            self._given = domain
            self.fit()
        self.start.setData([race.start[0]], [race.start[1]])
        noisy = race.noise.name != "None"
        if noisy != self._noisy:
            self._noisy = noisy
            if self.frame is not None:
                self._say(self.frame)
        super().show_race(race, self.domain, racer, wanted=wanted)

    def fit(self) -> None:
        """Show what the map shows."""
        if self._given is not None:
            (x0, x1), (y0, y1) = self._given
            self.view.setRange(QRectF(x0, y0, x1 - x0, y1 - y0), padding=0.0)

    def is_picture(self, frame: BasinsFrame) -> bool:
        return frame.level > 0

    def draw(self, frame: BasinsFrame) -> None:
        tokens = theme.colours(self)
        (x0, x1), (y0, y1) = frame.config.domain
        colours = paint_basins(frame.labels, frame.arrival, frame.minima, tokens)
        self.image.draw(colours, QRectF(x0, y0, x1 - x0, y1 - y0))
        self.stars.setData(pos=frame.minima)
        self.plot.y_axis.setStyle(showValues=frame.config.surface.entry.dimension > 1)
        self.plot.notes, self.plot.hint = self._labels(frame), ""
        self.plot.viewport().update()
        self._say(frame)
        self._on_pointed(self.plot.cursor_at)

    def show_nothing(self, sentence: str) -> None:
        self.image.clear()
        self.stars.setData([])
        self.plot.notes, self.plot.hint = (), sentence
        self.plot.say("")
        self.plot.viewport().update()

    def restyle(self) -> None:
        tokens = theme.colours(self)
        self.image.recolour(tokens)
        self.stars.setPen(pg.mkPen(tokens.text, width=1))
        self.stars.setBrush(pg.mkBrush(STAR))
        self.start.setPen(pg.mkPen(tokens.text, width=2))
        if self.frame is not None:
            self.draw(self.frame)

    def _say(self, frame: BasinsFrame) -> None:
        self.say(f"{sentence(frame)}{' The noise is left out.' if self._noisy else ''}")

    def _labels(self, frame: BasinsFrame) -> list[Note]:
        """The share of starts beside the minima that most of them reach."""
        shares = reached(frame)
        order = [place for place in np.argsort(-shares, kind="stable")[:LABELLED] if shares[place] >= LEAST]
        return [Note(percent(shares[place]), *frame.minima[place].tolist()) for place in order]

    def _on_rest(self) -> None:
        if self._race is not None:
            race, _, racer = self._race
            self._race = race, self.domain, racer
            if self.isVisible():
                self.recompute()

    def _on_pointed(self, at: tuple[float, float] | None) -> None:
        self.plot.say("" if at is None or self.frame is None else read(self.frame, *at))

    def _on_clicked(self, x: float, y: float) -> None:
        if self._race is not None:
            race = self._race[0]
            flat = race.surface.entry.dimension == 1
            self.taken.emit({"start": [x, race.start[1] if flat else y]})


def reached(frame: BasinsFrame) -> np.ndarray:
    """Which share of starts reaches each minimum, (m,)."""
    there = frame.labels[frame.labels >= 0]
    return np.bincount(there, minlength=len(frame.minima)) / frame.labels.size


def sentence(frame: BasinsFrame) -> str:
    """What is seen: "2 Adam, lr 0.05: 87 % of starts reach the minimum at (3, 2), ..."."""
    racer, flat = frame.config.racer, frame.config.surface.entry.dimension == 1
    shares, labels = reached(frame), frame.labels
    order = [int(place) for place in np.argsort(-shares, kind="stable")]
    order = [place for place in order if shares[place] > 0]
    named = order if len(order) <= NAMED + 1 else order[:NAMED]
    parts = [
        f"{percent(shares[place])} {'that' if number else 'of starts reach the minimum'} "
        f"at {point(frame.minima[place], flat=flat)}"
        for number, place in enumerate(named)
    ]
    if len(order) > LABELLED:
        each = percent(shares[order[0]])
        parts = [f"{percent(shares.sum())} of starts reach one of {len(order)} minima, at most {each} each"]
    elif rest := order[len(named) :]:
        parts.append(f"{percent(shares[rest].sum())} one of {len(rest)} others")
    gone, void = (float((labels == kind).mean()) for kind in (DIVERGED, UNDEFINED))
    none = float((labels == NOT_ARRIVED).mean())
    if none:
        blank = "none (blank)" if parts else "of starts reach no minimum (blank)"
        parts.append(f"{percent(none)} {blank}")
    if gone:
        parts.append(f"{percent(gone)} diverge (hatched)")
    if void:
        parts.append(f"{percent(void)} have no value (hatched)")
    if shares.sum():
        parts.append(f"median of those that arrive {np.nanmedian(frame.arrival):,.0f} steps")
    few = " Few arrive: more steps show more." if none and shares.sum() < FEW * (none + shares.sum()) else ""
    return f"{called(racer)}, lr {racer.optimizer.lr:.4g}: {', '.join(parts)}.{few}"


def read(frame: BasinsFrame, x: float, y: float) -> str:
    """What becomes of the start in whose cell a point lies."""
    (x0, x1), (y0, y1) = frame.config.domain
    if not (x0 <= x <= x1 and y0 <= y <= y1):
        return ""
    rows, columns = frame.labels.shape
    row = min(int((y - y0) / (y1 - y0) * rows), rows - 1)
    column = min(int((x - x0) / (x1 - x0) * columns), columns - 1)
    flat = frame.config.surface.entry.dimension == 1
    label, start = int(frame.labels[row, column]), np.array([frame.xs[column], frame.ys[row]])
    if label == DIVERGED:
        words = "diverges"
    elif label == UNDEFINED:
        words = "f has no value here"
    elif label < 0:
        words = f"no minimum within {frame.config.steps:,} steps"
    else:
        steps = f"{frame.arrival[row, column]:,.0f} steps"
        words = f"minimum at {point(frame.minima[label], flat=flat)}\n{steps}"
    return f"start {point(start, flat=flat)}\n{words}"
