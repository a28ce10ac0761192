"""The curves of a race of networks: losses over images or steps, test accuracies over epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from optgui.core.training.race import RaceConfig
from optgui.gui import theme
from optgui.gui.form.widgets import small_button
from optgui.gui.pace import Pace
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.plot.series import Series
from optgui.gui.training.race_numbers import Floats, Fresh, Mark, RaceNumbers, Tested, names

IMAGES, STEPS = "images", "step"
CEILING = 100.0  # a larger loss is not drawn: one network that diverges would flatten all others
SMOOTHING = 0.98  # share of the past: raw losses of several networks would hide each other
_CROSS = 11  # pixels


class CrossedCurve(CurveView):
    """A curve whose lines may end with a cross."""

    def __init__(self, name: str, y_label: str, x_label: str, object_name: str, unit: str = "") -> None:
        self._crosses: dict[str, pg.ScatterPlotItem] = {}
        super().__init__(name, y_label, x_label, unit, log=not unit, object_name=object_name)

    def cross(self, key: str) -> None:
        """Let a line end with a cross."""
        if key not in self._crosses:
            item = self._crosses[key] = pg.ScatterPlotItem(size=_CROSS, symbol="x")
            item.setZValue(1000)
            self.canvas.plotItem.vb.addItem(item, ignoreBounds=True)

    @property
    def crossed(self) -> tuple[str, ...]:
        """The keys of the lines that end with a cross."""
        return tuple(self._crosses)

    def take_lines_away(self) -> None:
        """Forget all lines, crosses and marks."""
        for item in self._crosses.values():
            self.canvas.plotItem.vb.removeItem(item)
        self._crosses.clear()
        for key in tuple(self.lines):
            self.remove_line(key)
        self.clear()

    def refresh(self) -> None:
        """Paint what has changed, and each cross where its line ends now."""
        super().refresh()
        for key, item in self._crosses.items():
            line = self.lines[key]
            x, y = line.drawn
            item.setVisible(line.shown and len(x) > 0)
            if len(x) and self.isVisible():
                colour = theme.racer_colour(line.colour_index, self)
                item.setData([x[-1]], [y[-1]], pen=pg.mkPen(colour, width=1), brush=pg.mkBrush(colour))


class RaceCurves:
    """The two curves of a race, as `loss` and `accuracy`; the owner puts them where it wants."""

    def __init__(self, owner: QWidget) -> None:
        self.loss = CrossedCurve("Loss", "cross-entropy", IMAGES, "training.race.loss")
        self.loss.set_hint("Press Start: the networks race, and their losses appear here")
        self.accuracy = CrossedCurve("Test accuracy", "", "epoch", "training.race.accuracy", "%")
        self.accuracy.set_hint("Their shares of right answers appear here after each epoch")
        self.smooth = self._offer(1, "Smooth", "smoothed", "Draw moving averages of the mini-batches' losses")
        self.smooth.setChecked(True)
        self.by_steps = self._offer(-1, "Steps", "steps", "Draw the losses over steps instead of images seen")
        for button in (self.smooth, self.by_steps):
            button.toggled.connect(lambda _: self._draw_again())
        self._numbers: RaceNumbers | None = None
        self._losses: dict[int, Series] = {}
        self._epochs = self._count = 0  # of the race; training images
        self._marks: list[Mark] = []
        self._waiting: list[Mark] = []  # whose place is not known yet
        self._pace = Pace(self._refresh, owner)

    def _offer(self, place: int, words: str, name: str, help: str) -> QToolButton:
        """One more button beside those of the loss."""
        button: QToolButton = small_button(words, f"{self.loss.objectName()}.{name}", help)
        button.setCheckable(True)
        button.setFont(self.loss.fit_button.font())
        row = self.loss.toolbar.layout()
        assert isinstance(row, QHBoxLayout)
        row.insertWidget(place, button)
        self.loss.toolbar.place(self.loss.width())
        return button

    @property
    def views(self) -> tuple[CrossedCurve, CrossedCurve]:
        """Both curves."""
        return self.loss, self.accuracy

    def begin(self, config: RaceConfig, numbers: RaceNumbers | None) -> None:
        """Show the lines of another race; without numbers it has not begun."""
        self._numbers, self._count, self._epochs = numbers, 0, config.epochs
        self._losses = {entrant.id: Series(SMOOTHING) for entrant in config.entrants}
        self._marks, self._waiting = [], []
        self._make_lines(config)
        self._set_spans()
        self._pace.now()

    def set_count(self, images: int) -> None:
        """Say how many training images an epoch has."""
        self._count = images
        self._set_spans()

    def take(self, fresh: Sequence[Fresh], tests: Sequence[Tested]) -> None:
        """Draw new numbers, soon."""
        assert self._numbers is not None
        for new in fresh:
            series = self._losses[new.id]
            before = len(series)
            series.extend(new.steps, new.losses)
            xs = new.steps if self.by_steps.isChecked() else new.samples
            self.loss.extend(str(new.id), xs, self._drawn(series, before))
        for test in tests:
            self.accuracy.extend(str(test.id), [test.epoch], [100 * test.accuracy])
        for view in self.views:
            for identity in self._numbers.out:
                view.cross(str(identity))
        waiting, self._waiting = self._waiting, []
        for mark in waiting:
            self._place(mark)
        self._pace.ask()

    def mark(self, mark: Mark) -> None:
        """Mark an edit where it acted."""
        self._marks.append(mark)
        self._place(mark)

    def show_now(self, *, ended: bool = False) -> None:
        """Draw at once: the race rests; when it has ended the axes end where it does."""
        for view in self.views:
            if ended and not view.is_zoomed:
                view.fit()
        self._pace.now()

    def show_config(self, config: RaceConfig) -> None:
        """Follow names, and who is shown; other edits change no line."""
        called = names(config)
        shown = {entrant.id: entrant.visible for entrant in config.entrants}
        self._epochs = config.epochs
        self._set_spans()
        if any(line.label != called.get(int(key), line.label) for key, line in self.loss.lines.items()):
            self._rename(called)
        for view in self.views:
            for key in view.lines:
                view.set_line_visible(key, shown.get(int(key), True))
        self._pace.now()

    def smoothed(self, identity: int) -> float:
        """The last smoothed loss of an entrant, NaN before the first."""
        smoothed = self._losses[identity].smoothed if identity in self._losses else None
        return float(smoothed[-1]) if smoothed is not None and len(smoothed) else np.nan

    def _drawn(self, series: Series, start: int = 0) -> Floats:
        """What is drawn of an entrant's losses, NaN where nothing is."""
        smoothed = series.smoothed
        assert smoothed is not None
        losses = (smoothed if self.smooth.isChecked() else series.y)[start:]
        return np.where(losses <= CEILING, losses, np.nan)

    def _make_lines(self, config: RaceConfig) -> None:
        called = names(config)
        for view in self.views:
            view.take_lines_away()
            for entrant in config.entrants:
                view.add_line(
                    str(entrant.id),
                    called[entrant.id],
                    entrant.id,
                    dash=theme.racer_dash(entrant.id),
                    marker=view is self.accuracy,
                )
                view.set_line_visible(str(entrant.id), entrant.visible)

    def _rename(self, called: Mapping[int, str]) -> None:
        for view in self.views:
            for key, line in view.lines.items():
                line.label = called.get(int(key), line.label)
            view.set_smooth(view.smooth_button.isChecked())  # makes room for the names as well

    def _set_spans(self) -> None:
        numbers = self._numbers
        steps = max(numbers.batches.values(), default=0) if numbers is not None else 0
        self.loss.set_span(self._epochs * (steps if self.by_steps.isChecked() else self._count))
        self.accuracy.set_span(1.03 * self._epochs)  # room for the last markers

    def _draw_again(self) -> None:
        """Draw the losses over the other x, or smoothed, or not."""
        by_steps = self.by_steps.isChecked()
        self.loss.x_label = STEPS if by_steps else IMAGES
        self.loss.marks.clear()
        for identity, series in self._losses.items():
            course = self._numbers.course(identity) if self._numbers is not None else None
            if course is not None:
                xs = course.places[1 if by_steps else 2, : len(series)]
                self.loss.set_line(str(identity), xs, self._drawn(series))
        self._set_spans()
        self.loss.fit()
        waiting, self._waiting = set(self._waiting), []
        for mark in self._marks:
            if mark in waiting:
                self._waiting.append(mark)
            elif (place := self._numbers.place_of(mark) if self._numbers is not None else None) is not None:
                self.loss.mark(place[0 if by_steps else 1], mark.words)
        self._pace.now()

    def _place(self, mark: Mark) -> None:
        place = self._numbers.place_of(mark) if self._numbers is not None else None
        if place is None:
            self._waiting.append(mark)
            return
        steps, samples, epochs = place
        self.loss.mark(steps if self.by_steps.isChecked() else samples, mark.words)
        self.accuracy.mark(epochs, mark.words)

    def _refresh(self) -> None:
        for view in self.views:
            view.refresh()
