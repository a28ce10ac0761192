"""A minute of live plotting: what a binding that loses references does not survive."""

import sys

import numpy as np
import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QMainWindow, QSplitter

from optgui.gui.plot.curve_view import CurveView
from optgui.gui.surface_tab import SurfaceTab
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState

pytestmark = pytest.mark.e2e

SOAK_S = 60.0
FRAMES_A_SECOND = 30
SEVERAL = 20  # of records a frame


def test_a_minute_of_live_plotting_wears_nothing_out(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    tab, curve = SurfaceTab(PaintBudget()), CurveView("Loss", "loss", object_name="soak.loss")
    curve.add_line("loss", "mini-batch", 0, smoothed=True)
    views = QSplitter()
    views.addWidget(tab)
    views.addWidget(curve)
    window.setCentralWidget(views)
    window.resize(1200, 700)
    window.show()
    random, frames = np.random.default_rng(0), 0

    def draw():
        nonlocal frames
        steps = np.arange(SEVERAL * frames, SEVERAL * (frames + 1))
        frames += 1
        curve.extend("loss", steps, np.exp(random.normal(-1, 0.4, SEVERAL)))
        if frames % 90 == 0:
            curve.mark(steps[-1], "lr 0.1 → 0.03")
        curve.refresh()

    form = tab.panel.form
    form.set_config(form.config.changed("steps", 100_000))
    tab.panel.start()
    timer = QTimer(interval=round(1000 / FRAMES_A_SECOND))
    timer.timeout.connect(draw)
    timer.start()
    live(5.0)  # caches fill first
    before = sys.getrefcount(None)
    live(SOAK_S)
    after = sys.getrefcount(None)
    timer.stop()
    state = tab.panel.state
    for controller in tab.controllers:
        controller.quit()
    assert all(controller.wait(2000) for controller in tab.controllers)
    assert state is JobState.RUNNING
    assert after > before - 200
    assert min(curve.canvas.paints, tab.loss.canvas.paints) > SOAK_S
    assert len(curve.lines["loss"].series) == SEVERAL * frames
    assert min(step for step, _ in tab.loss.summary().values()) > 10 * SOAK_S


def live(seconds):
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()
