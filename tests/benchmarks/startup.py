"""From the start of the process to a painted window, against the barest window with a pyqtgraph plot."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from tests.benchmarks.report import Row, interleaved
from tests.benchmarks.screen import screen

REPEATS = 9
READY_REPEATS = 3

# The program as `optgui` starts it, with word on standard output of what has happened.
OURS = """
import os, sys
from optgui import app
from optgui.cli import main

make_window = app.make_window

def watched(*arguments):
    window = make_window(*arguments)
    say = lambda word: (print(word, flush=True), word == sys.argv[1] and os._exit(0))
    window.first_painted.connect(lambda: say("painted"))
    window.ready.connect(lambda: say("ready"))
    return window

app.make_window = watched
main([])
"""

BARE = """
import os, sys
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, lambda: (print("painted", flush=True), os._exit(0)))
        return False

application = QApplication([])
window = QMainWindow()
plot = pg.PlotWidget()
window.setCentralWidget(plot)
watch = Watch()
plot.viewport().installEventFilter(watch)
window.resize(1280, 800)
window.show()
application.exec()
"""


def rows() -> list[Row]:
    with screen():
        painted = {"ours": lambda: _seconds(OURS, "painted"), "other": lambda: _seconds(BARE, "painted")}
        interleaved(1, **painted)  # warms the disk cache
        times = interleaved(REPEATS, **painted)
        ready = interleaved(READY_REPEATS, ours=lambda: _seconds(OURS, "ready"))["ours"]
    return [
        Row(
            f"window painted against a bare PySide6 + pyqtgraph window; best of {REPEATS}",
            min(times["ours"]),
            min(times["other"]),
            "s",
            "<= 1.5",
        ),
        Row(
            f"window painted against a bare PySide6 + pyqtgraph window; median of {REPEATS}",
            statistics.median(times["ours"]),
            statistics.median(times["other"]),
            "s",
        ),
        Row(f"tabs ready to use; best of {READY_REPEATS}", min(ready), unit="s"),
    ]


def _seconds(program: str, word: str) -> float:
    """From before the process is made to the word on its standard output."""
    before = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", program, word], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == word:
                return time.perf_counter() - before
    raise RuntimeError(f"expected a window that says {word}, got exit code {child.returncode}")
