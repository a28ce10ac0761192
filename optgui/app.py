"""The composition root: puts window, loader and theme together and runs them."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

from optgui import __version__, preflight, resources

APP_ID = "io.github.optgui.OptGui"
ICON_SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
_log = logging.getLogger("optgui")


def make_application(argv: Sequence[str] = ("optgui",)) -> Any:
    """The one QApplication, named and with its icon."""
    from PySide6.QtCore import QSize, qInstallMessageHandler
    from PySide6.QtGui import QIcon
    from PySide6.QtWidgets import QApplication

    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(list(argv))
    app.setApplicationName("optgui")
    app.setApplicationDisplayName("optgui")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName(APP_ID)
    icon = QIcon()
    for size in ICON_SIZES:
        icon.addFile(str(resources.path("icons", f"optgui-{size}.png")), QSize(size, size))
    app.setWindowIcon(icon)
    qInstallMessageHandler(lambda kind, context, message: _log.info("qt: %s", message))
    return app


def make_window(app: Any, settings: Any = None) -> Any:
    """The main window with its look and its loader; loading begins with the first paint."""
    from optgui.gui import theme
    from optgui.gui.collector import Collector
    from optgui.gui.main_window import MainWindow
    from optgui.gui.settings import Settings
    from optgui.jobs.loader import Loader

    settings = settings or Settings()
    theme.apply(app, settings.look)
    window = MainWindow(settings)
    window.ready.connect(Collector(window).settle)
    loader = Loader(window)
    loader.loaded.connect(window.build_tabs)
    loader.failed.connect(window.fail_loading)
    window.first_painted.connect(loader.start)
    return window


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window, with a config file if one is named; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    preflight.preload_c10()
    if sentence := preflight.missing_display() or preflight.missing_library() or preflight.unsound_binding():
        print(f"optgui: {sentence}", file=sys.stderr)
        return 2
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(APP_ID)
    _start_log()
    app = make_application()
    window = make_window(app)
    window.show()
    if arguments:
        path = Path(arguments[0])
        window.ready.connect(lambda: window.open_file(path))
    code = int(app.exec())
    if not window.shutdown():
        _log.error("a job did not end within its time; leaving without it")
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    # Settings are saved. Taking torch apart would take another second, and a thread inside an import or a
    # socket cannot be ended otherwise.
    os._exit(code)


def _start_log() -> None:
    """Errors go to a log file in the user's state folder, crashes beside it."""
    import platformdirs

    folder = Path(platformdirs.user_log_dir("optgui", appauthor=False))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "optgui.log", maxBytes=1_000_000, backupCount=3, delay=True, encoding="utf-8"
        )
        _log.addHandler(handler)
        faulthandler.enable((folder / "crash.log").open("a", encoding="utf-8"))
    except OSError as error:
        _log.warning("no log file: %s", error)

    def hook(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, value, trace)
            return
        text = "".join(traceback.format_exception(kind, value, trace))
        _log.error(text)
        if sys.stderr is not None:  # a windowed program on Windows has none
            sys.stderr.write(text)

    sys.excepthook = hook
    threading.excepthook = lambda args: hook(
        args.exc_type, args.exc_value or SystemExit(), args.exc_traceback
    )
