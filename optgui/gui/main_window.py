"""The window: painted before anything slow is imported, filled with the three tabs afterwards.

Imports nothing of core, so that it can be shown while torch is still being loaded.
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QMainWindow,
    QMessageBox,
    QProgressBar,
    QStyle,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from optgui import __version__
from optgui.gui import theme
from optgui.gui.settings import Settings

SUBJECTS = ("surface", "training", "attack")
TITLES = {"surface": "Surface", "training": "Training", "attack": "Attack"}
SHUTDOWN_MS = 1500  # all jobs together; a torch step takes milliseconds, an import or a socket may not end
_TITLE_BAR = QStyle.PixelMetric.PM_TitleBarHeight  # the window manager adds about as much


class MainWindow(QMainWindow):
    """Three tabs over one model. `surface`, `training` and `attack` are the tabs once `ready` was emitted."""

    first_painted = Signal()
    ready = Signal()
    closing = Signal()

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.setWindowTitle("optgui")
        self.setObjectName("main")
        self.settings = settings or Settings()
        self.downloads = True  # whether MNIST is fetched by itself where it is missing
        self.surface: Any = None
        self.training: Any = None
        self.attack: Any = None
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setObjectName("tabs")
        self.tabs.setAccessibleName("Subjects")
        self.corner = QLabel("Loading torch …")
        self.corner.setProperty("role", "muted")
        self.corner.setContentsMargins(0, 0, 16, 0)
        self.corner.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.corner.setMinimumHeight(self.fontMetrics().height() * 2 + 4)
        self.tabs.tabBar().setDrawBase(False)
        self.corner.setObjectName("corner")
        self.tabs.setCornerWidget(self.corner, Qt.Corner.TopRightCorner)
        self._skeletons = {subject: _skeleton() for subject in SUBJECTS}
        for subject in SUBJECTS:
            self.tabs.addTab(self._skeletons[subject], TITLES[subject])
        self.setCentralWidget(self.tabs)
        self.setAcceptDrops(True)
        self._build_menus()
        self._pending_config: dict[str, Any] | None = None
        self._painted = False
        for skeleton in self._skeletons.values():
            skeleton.installEventFilter(self)
        room = self.screen().availableGeometry()
        height = room.height() - self.style().pixelMetric(_TITLE_BAR)
        self.resize(min(1600, room.width()), min(1000, height))
        self.settings.restore_window(self)
        self.tabs.setCurrentIndex(self.settings.number("tab", 0, 2, 0))
        self.tabs.currentChanged.connect(self._on_tab_changed)
        self.statusBar().hide()
        self.tabs.tabBar().setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice the first painted page: an opaque central widget hides the window's own paint event."""
        if event.type() == QEvent.Type.Paint and not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.first_painted.emit)
        return super().eventFilter(watched, event)

    def build_tabs(self, what: str) -> None:
        """Import and build one tab per turn of the event loop; `ready` follows. `what` was loaded."""
        pg = importlib.import_module("pyqtgraph")
        pg.setConfigOptions(antialias=False, imageAxisOrder="row-major")
        controller = importlib.import_module("optgui.jobs.controller")
        networks = importlib.import_module("optgui.gui.networks")
        self._loaded = what
        self.budget = controller.PaintBudget()
        self.shelf = networks.NetworkShelf(self)
        self._steps: list[Callable[[], None]] = [
            self._build_surface,
            self._build_training,
            self._build_attack,
            self._finish,
        ]
        QTimer.singleShot(0, self._build_next)

    def _build_next(self) -> None:
        if self._steps:
            self._steps.pop(0)()
            QTimer.singleShot(0, self._build_next)

    def _build_surface(self) -> None:
        module = importlib.import_module("optgui.gui.surface_tab")
        self.surface = module.SurfaceTab(self.budget)
        self._put("surface", self.surface)

    def _build_training(self) -> None:
        module = importlib.import_module("optgui.gui.training_tab")
        self.training = module.TrainingTab(self.budget, self.shelf, download=self.downloads)
        self._put("training", self.training)
        self.training.described.connect(self.corner.setText)
        self.training.describe()

    def _build_attack(self) -> None:
        module = importlib.import_module("optgui.gui.attack_tab")
        self.attack = module.AttackTab(self.budget, self.training.networks, self._train_for_attack)
        self._put("attack", self.attack)

    def _finish(self) -> None:
        for action in self._run_actions:
            action.setEnabled(True)
        self._on_tab_changed()
        if self._pending_config is not None:
            self.open_config(self._pending_config)
        self.ready.emit()

    def _put(self, subject: str, tab: QWidget) -> None:
        index = SUBJECTS.index(subject)
        current = self.tabs.currentIndex()
        skeleton = self._skeletons.pop(subject)
        self.tabs.removeTab(index)
        self.tabs.insertTab(index, tab, TITLES[subject])
        self.tabs.setCurrentIndex(current)
        skeleton.deleteLater()
        self.settings.restore_splitter(subject, tab.columns)  # type: ignore[attr-defined]

    def fail_loading(self, sentence: str, details: str) -> None:
        """Say on every page why there is nothing to see."""
        self.corner.setText("torch could not be loaded")
        for skeleton in self._skeletons.values():
            skeleton.findChild(QLabel).setText(f"{sentence}\n\n{details[-1500:]}")
            skeleton.findChild(QProgressBar).hide()

    @property
    def _built(self) -> dict[str, Any]:
        tabs = {"surface": self.surface, "training": self.training, "attack": self.attack}
        return {subject: tab for subject, tab in tabs.items() if tab is not None}

    @property
    def tab(self) -> Any:
        """The tab on screen; None while it is being loaded."""
        return self._built.get(SUBJECTS[self.tabs.currentIndex()])

    def go_to(self, subject: str) -> None:
        """Show a tab."""
        self.tabs.setCurrentIndex(SUBJECTS.index(subject))

    def _train_for_attack(self) -> None:
        """Train the form's network and come back to the attack when it is done."""
        self.training.train_once(lambda: (self.go_to("attack"), self.attack.panel.start()))
        self.go_to("training")

    # Configs in files

    def open_config(self, data: dict[str, Any]) -> None:
        """Put a config (with its `subject`) into the form of its tab; what is wrong is said."""
        if self.attack is None:
            self._pending_config = data
            return
        self._pending_config = None
        values = dict(data)
        subject = values.pop("subject", None)
        if subject not in SUBJECTS:
            self._complain(f"subject: expected one of {', '.join(SUBJECTS)}, got {subject!r}")
            return
        form = self._built[subject].panel.form
        try:
            config = type(form.config).parse(values)
        except ValueError as error:
            self._complain(str(error))
            return
        self.go_to(subject)
        self._built[subject].open_config(config)

    def open_file(self, path: Path) -> None:
        """Read a config file of `optgui run`; a sentence says what is wrong with another."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(data, dict):
                raise ValueError("expected an object with named fields")
        except (OSError, ValueError) as error:
            self._complain(f"{path.name}: expected a config in JSON, got {error}")
            return
        self.open_config(data)

    def _complain(self, sentence: str) -> None:
        tab = self.tab
        if tab is not None:
            tab.panel.messages.say(sentence)

    def _on_open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a config", "", "Configs (*.json)")
        if name:
            self.open_file(Path(name))

    def _on_save(self) -> None:
        tab = self.tab
        if tab is None:
            return
        subject = tab.panel.subject
        name, _ = QFileDialog.getSaveFileName(
            self, "Save this tab's config", f"{subject}.json", "Configs (*.json)"
        )
        if not name:
            return
        data = {"subject": subject, **tab.panel.form.config.model_dump(mode="json")}
        try:
            Path(name).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            self._complain(f"{Path(name).name}: could not be written: {error.strerror}")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.toLocalFile().endswith(".json") for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = [url.toLocalFile() for url in event.mimeData().urls()]
        self.open_file(Path(next(name for name in files if name.endswith(".json"))))

    # Menus

    def _build_menus(self) -> None:
        keys = QKeySequence.StandardKey
        file = self.menuBar().addMenu("&File")
        self._add(file, "&Open config …", self._on_open, keys.Open)
        self._add(file, "&Save config …", self._on_save, keys.Save)
        file.addSeparator()
        self._add(file, "&Quit", self.close, keys.Quit)
        edit = self.menuBar().addMenu("&Edit")
        self._run_actions = [
            self._add(edit, "&Undo", lambda: self.tab.acting.edits.undo(), keys.Undo),
            self._add(edit, "&Redo", lambda: self.tab.acting.edits.redo(), keys.Redo),
        ]
        edit.addSeparator()
        self._add(edit, "&Copy picture of this tab", self._on_copy, "Ctrl+Shift+C")
        self._add(edit, "&Reset this tab's settings", self._on_reset)
        view = self.menuBar().addMenu("&View")
        for number, subject in enumerate(SUBJECTS, start=1):
            self._add(view, f"&{TITLES[subject]}", lambda _=False, s=subject: self.go_to(s), f"Ctrl+{number}")
        view.addSeparator()
        self._add(view, "Fold &controls", lambda: self._fold("controls"), "Ctrl+B")
        self._add(view, "Fold &readings", lambda: self._fold("readings"), "Ctrl+Shift+B")
        self._add(view, "&Full screen", self._on_full_screen, keys.FullScreen)
        view.addSeparator()
        looks = QActionGroup(self)
        chosen = self.settings.look
        for key, title in theme.CHOICES:
            action = self._add(view, title, lambda _=False, k=key: self.set_look(k))
            action.setCheckable(True)
            action.setChecked(key == chosen)
            looks.addAction(action)
        run = self.menuBar().addMenu("&Run")
        self._run_actions += [
            self._add(run, "&Start, pause or go on", lambda: self.tab.acting.toggle(), "F5"),
            self._add(run, "One s&tep", lambda: self.tab.acting.step(), "F6"),
            self._add(run, "St&op", lambda: self.tab.acting.stop(), "Shift+F5"),
        ]
        for action in self._run_actions:
            action.setEnabled(False)
        help = self.menuBar().addMenu("&Help")
        self._add(help, "&Keyboard", self._on_keyboard, keys.HelpContents)
        self._add(help, "&About optgui", self._on_about)

    def _add(self, menu: Any, text: str, do: Callable[..., Any], key: Any = None) -> QAction:
        action = QAction(text, self)
        action.triggered.connect(do)
        if key is not None:
            action.setShortcut(QKeySequence(key))
        menu.addAction(action)
        return action

    def set_look(self, choice: str) -> None:
        """Change to the look `choice` (system, light, dark) and remember it."""
        self.settings.remember("look", choice)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, choice)

    def _fold(self, side: str) -> None:
        if self.tab is not None:
            column = getattr(self.tab, side)
            column.setVisible(column.isHidden())

    def _on_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _on_copy(self) -> None:
        QApplication.clipboard().setPixmap(self.tabs.currentWidget().grab())

    def _on_reset(self) -> None:
        if self.tab is not None:
            self.tab.open_config(self.tab.defaults)

    def _on_keyboard(self) -> None:
        self._tell(
            "Keyboard",
            "F5  start, pause or go on\nF6  one step\nShift+F5  stop\nCtrl+1, 2, 3  the tabs\n"
            "Ctrl+B, Ctrl+Shift+B  fold the sides\nCtrl+Z, Ctrl+Shift+Z  undo and redo an edit\n"
            "Space  play or pause, full stop and comma  one step on or back, while a picture has the focus\n"
            "Arrow keys  nudge the start, while the map has the focus\nHome  show the whole map\n"
            "Escape  put back the last valid text of a field\nDouble-click a label  put back its default",
        )

    def _on_about(self) -> None:
        import PySide6

        loaded = getattr(self, "_loaded", "torch is still being loaded")
        self._tell(
            "About optgui",
            f"optgui {__version__}: see optimization happen.\n\n"
            f"PySide6 {PySide6.__version__} (LGPL), {loaded}.\nLicensed under the MIT License.",
        )

    def _tell(self, title: str, text: str) -> None:
        box = QMessageBox(QMessageBox.Icon.NoIcon, title, text, QMessageBox.StandardButton.Close, self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()  # not modal to the program: a running job goes on and is still drawn

    def _on_tab_changed(self) -> None:
        self.settings.remember("tab", self.tabs.currentIndex())

    # The end

    def closeEvent(self, event: QCloseEvent) -> None:
        self.hide()
        self.settings.remember_window(self)
        for subject, tab in self._built.items():
            self.settings.remember_splitter(subject, tab.columns)
        self.settings.save()
        event.accept()
        self.closing.emit()

    def shutdown(self) -> bool:
        """End every job: stop all first, then wait for all with one deadline. False if one is late."""
        self._steps = []
        controllers = [one for tab in self._built.values() for one in tab.controllers]
        for controller in controllers:
            controller.quit()
        deadline = time.monotonic() + SHUTDOWN_MS / 1000
        waits = [c.wait(max(0, round(1000 * (deadline - time.monotonic())))) for c in controllers]
        return all(waits)


def _skeleton() -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.addStretch(1)
    text = QLabel("Loading torch …\nThe controls appear in a few seconds.")
    text.setWordWrap(True)
    text.setAlignment(Qt.AlignmentFlag.AlignCenter)
    text.setProperty("role", "muted")
    layout.addWidget(text)
    bar = QProgressBar()
    bar.setRange(0, 0)
    bar.setTextVisible(False)
    bar.setAccessibleName("Loading")
    bar.setFixedWidth(240)
    layout.addWidget(bar, alignment=Qt.AlignmentFlag.AlignHCenter)
    layout.addStretch(1)
    return page
