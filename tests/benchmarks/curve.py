"""What one live frame of a curve costs, short and long."""

import time

import numpy as np
from PySide6.QtCore import QCoreApplication, QEventLoop
from PySide6.QtWidgets import QApplication

from optgui.gui.plot.curve_view import CurveView
from tests.benchmarks.report import Row
from tests.benchmarks.screen import screen

SHORT, LONG = 1_000, 1_000_000
BATCH, FRAMES = 20, 40
FILLED = 0.7  # share of the span that has records, the same in both


def rows() -> list[Row]:
    with screen():
        found = measure()
    what = f"one frame of a live curve, {LONG:,} against {SHORT:,} records"
    return [Row(what, found["long_ms"], found["short_ms"], "ms", "<= 1.5")]


def measure(repeats: int = 5) -> dict[str, float]:
    """Milliseconds for one update and its painting at 1,000 and at 1,000,000 records.

    Noisy data with a moving average over a known span, as in a training run. The short and the long curve
    take turns; each figure is the best over the repeats of the mean over `FRAMES` frames.
    """
    app = QApplication.instance() or QApplication([])
    views = {size: _view(size) for size in (SHORT, LONG)}
    best = dict.fromkeys(views, float("inf"))
    for _ in range(repeats):
        for size, view in views.items():
            for other in views.values():
                other.setVisible(other is view)
            if size == SHORT:  # its frames would double it
                view.clear()
                _extend(view, size, np.random.default_rng(0))
            _paint(view)
            best[size] = min(best[size], _frame_ms(view))
    for view in views.values():
        view.close()
        view.deleteLater()
    app.processEvents()
    return {"short_ms": best[SHORT], "long_ms": best[LONG], "ratio": best[LONG] / best[SHORT]}


def _view(size: int) -> CurveView:
    view = CurveView("Loss", "cross-entropy", object_name=f"bench.{size}")
    view.add_line("loss", "mini-batch", 0, smoothed=True)
    view.set_span((size + BATCH * FRAMES / 2) / FILLED)
    _extend(view, size, np.random.default_rng(0))
    view.resize(900, 300)
    return view


def _extend(view: CurveView, size: int, rng: np.random.Generator) -> None:
    start = view.summary().get("loss", (0.0, 0.0))[0]
    view.extend("loss", start + 1 + np.arange(size), np.exp(rng.normal(-1.0, 0.4, size)))


def _paint(view: CurveView) -> None:
    """Update and wait until it is on the screen."""
    before = view.canvas.paints
    view.refresh()
    view.canvas.viewport().update()
    while view.canvas.paints == before:
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)


def _frame_ms(view: CurveView) -> float:
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    for _ in range(FRAMES):
        _extend(view, BATCH, rng)
        _paint(view)
    return 1000 * (time.perf_counter() - start) / FRAMES
