"""Imports the slow libraries while the window is already on screen."""

from __future__ import annotations

import contextlib
import importlib
import threading
import traceback

from PySide6.QtCore import QObject, Signal, SignalInstance


class Loader(QObject):
    """Runs `core.runtime.load` in a daemon thread, so that closing the window need not wait for an import."""

    loaded = Signal(str)  # a line about what was loaded
    failed = Signal(str, str)  # a sentence, the traceback

    def start(self) -> None:
        """Begin; one of the signals follows."""
        threading.Thread(target=self._load, name="optgui-loader", daemon=True).start()

    def _load(self) -> None:
        try:
            line = importlib.import_module("optgui.core.runtime").load()
        except Exception as error:
            sentence = f"torch could not be loaded: {type(error).__name__}: {error}"
            self._say(self.failed, sentence, traceback.format_exc())
        else:
            self._say(self.loaded, line)

    @staticmethod
    def _say(signal: SignalInstance, *words: str) -> None:
        with contextlib.suppress(RuntimeError):  # the window, and this object, was closed during the import
            signal.emit(*words)
