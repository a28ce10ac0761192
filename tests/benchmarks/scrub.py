"""Scrubbing through a long race: how often a second the whole tab is on the screen anew."""

import time

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from optgui.core.surface import DescentConfig
from optgui.gui.surface_tab import SurfaceTab
from optgui.jobs.controller import PaintBudget
from tests.benchmarks.race import RACERS
from tests.benchmarks.report import Row
from tests.benchmarks.screen import screen

STEPS, FRAMES, REPEATS = 5_000, 60, 5
PAGES = ("Loss", "Finals")


def rows() -> list[Row]:
    with screen():
        found = measure()
    what = f"scrubbing {len(RACERS)} racers x {STEPS:,} steps in the whole tab"
    return [Row(f"{what}, {page} below", rate, None, "fps", ">= 30", "ours") for page, rate in found.items()]


def measure() -> dict[str, float]:
    """Frames a second, each moved to, drawn and painted; the best of some rounds for each page below."""
    app = QApplication.instance() or QApplication([])
    tab = SurfaceTab(PaintBudget())
    tab.resize(1280, 740)
    tab.show()
    racers = [{"optimizer": racer} for racer in RACERS]
    tab.open_config(DescentConfig.parse({"racers": racers, "steps": STEPS}))
    while not (tab.race.computed and tab.race.frame is not None and tab.race.frame.step == STEPS):
        _wait(50)
    best = dict.fromkeys(PAGES, 0.0)
    for _ in range(REPEATS):
        for page in PAGES:
            tab.curves.show_page(page)
            _wait(300)
            best[page] = max(best[page], _frames_a_second(app, tab))
    for controller in tab.controllers:
        controller.quit()
    for controller in tab.controllers:
        controller.wait(2000)
    tab.close()
    return best


def _frames_a_second(app: QApplication, tab: SurfaceTab) -> float:
    began = time.perf_counter()
    for frame in range(FRAMES):
        tab.playback.go((frame * 1_237) % STEPS)
        tab.map.plot.viewport().repaint()
        app.processEvents()
    return FRAMES / (time.perf_counter() - began)


def _wait(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()
