"""Python's cyclic garbage collector, kept to the GUI thread.

By itself it runs in whichever thread allocates, so a job's thread could destroy widgets. It is switched off
and run by a timer of the GUI thread instead, with Python's own thresholds.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 200


class Collector(QObject):
    """Collects now and then; made once, in the GUI thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        timer = QTimer(self)
        timer.setInterval(INTERVAL_MS)
        timer.timeout.connect(self.collect)
        timer.start()

    @staticmethod
    def settle() -> None:
        """Leave alone what is there now: torch's and Qt's own objects made a whole look last 260 ms."""
        gc.freeze()

    @staticmethod
    def collect() -> None:
        """Collect the oldest generation that is due."""
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation] > 0:
                gc.collect(generation)
                return
