"""The pictures of a race, one at a time: map, 3-D view, maps of many races; beside them the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from optgui.core.curvature import Curvature
from optgui.core.surface import DescentConfig, DescentFrame
from optgui.core.surface.noise_ball import NoiseBall
from optgui.gui.form.param_form import small_button
from optgui.gui.narrow_stack import NarrowStack
from optgui.gui.plot.data_view import DataView
from optgui.gui.plot.line_view import OVERLAYS as LINE_OVERLAYS
from optgui.gui.plot.line_view import LineView
from optgui.gui.plot.opengl import available
from optgui.gui.plot.surface_overlays import OVERLAYS
from optgui.gui.plot.surface_view import SurfaceView
from optgui.gui.plot.surface_view_3d import SurfaceView3D
from optgui.gui.surface.map_page import MapPage

TWO_SIGMA = 2.0  # the drawn noise ball: two standard deviations


class Pictures(QWidget):
    """Toolbar over a stack; the toolbar chooses the picture and what is shown on top of the map."""

    start_moved = Signal(float, float, bool)  # x, y, whether the gesture has ended
    constraint_dragged = Signal(object, bool)  # ConstraintConfig, whether the gesture has ended
    points_changed = Signal(object, bool)  # data points, whether the gesture has ended
    acted = Signal(object)  # changed values of the surface
    selected = Signal(int)  # racer id
    stationary_wanted = Signal()
    moved_on = Signal(int)  # steps by which a key moves the play head
    toggled = Signal()  # a key plays or pauses
    said = Signal(str)

    def __init__(self, pages: Sequence[MapPage] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("surface.pictures")
        self.pages = tuple(pages)
        self.map, self.line, self.data = SurfaceView(), LineView(), DataView()
        self.relief: SurfaceView3D | None = None
        self._config: DescentConfig | None = None
        self._race: tuple[DescentFrame, Mapping[int, bool], int] | None = None
        self._selected: int | None = None
        self._balls: set[int] = set()
        self._stack = NarrowStack()
        self._beside = QSplitter(Qt.Orientation.Horizontal)
        self._beside.setHandleWidth(1)
        self._beside.setChildrenCollapsible(False)
        self._beside.addWidget(self._stack)
        self._beside.addWidget(self.data)
        self._beside.setStretchFactor(0, 3)
        self._beside.setStretchFactor(1, 2)
        self.data.hide()
        self._choices = QActionGroup(self)
        self._bar = QHBoxLayout()
        self._bar.setContentsMargins(8, 4, 8, 4)
        self._bar.setSpacing(4)
        self.map_action = self._offer(
            "Map", "surface.show.map", "Contours with the paths of the racers", self.map
        )
        self.relief_action = self._offer("3-D", "surface.show.relief", "The surface in space", None)
        for page in self.pages:
            self._offer(page.title, f"surface.show.{page.subject}", page.help, page)
        self._stack.addWidget(self.line)
        self._bar.addStretch(1)
        self._fit = small_button("Fit", "surface.fit", "Show the whole domain (Home)")
        self._fit.clicked.connect(self._on_fit)
        self._show = QToolButton()
        self._show.setText("Show")
        self._show.setObjectName("surface.overlays")
        self._show.setAccessibleName("What is shown on top of the map")
        self._show.setToolTip("What is shown on top of the map")
        self._show.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.overlays = self._make_menu()
        for button in (self._fit, self._show):
            self._bar.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._bar)
        layout.addWidget(self._beside, 1)
        self._hint = QLabel(self._stack)
        self._hint.setObjectName("read_out")
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._hint.hide()
        self._stack.resized.connect(self._place_hint)
        self._choices.triggered.connect(self._on_chosen)
        self._forward()

    def _offer(self, text: str, name: str, help: str, page: QWidget | None) -> QAction:
        """One more picture to choose."""
        action = QAction(text, self)
        action.setCheckable(True)
        action.setToolTip(help)
        action.setData(page)
        action.setChecked(not self._choices.actions())
        self._choices.addAction(action)
        button = QToolButton()
        button.setDefaultAction(action)
        button.setObjectName(name)
        button.setAccessibleName(text)
        self._bar.addWidget(button)
        if page is not None:
            self._stack.addWidget(page)
        return action

    def _make_menu(self) -> dict[str, QAction]:
        menu = QMenu(self._show)
        menu.setToolTipsVisible(True)
        made = {}
        for overlay in OVERLAYS:
            action = menu.addAction(overlay.label)
            action.setObjectName(f"surface.overlay.{overlay.name}")
            action.setToolTip(overlay.help)
            action.setCheckable(True)
            action.setChecked(overlay.on_by_default)
            action.toggled.connect(lambda on, name=overlay.name: self._set_overlay(name, on))
            made[overlay.name] = action
        menu.addSeparator()
        find = menu.addAction("Find stationary points")
        find.setObjectName("surface.stationary")
        find.setToolTip("Find all minima, maxima and saddles in the domain")
        find.triggered.connect(lambda: self.stationary_wanted.emit())
        self._show.setMenu(menu)
        return made

    def _forward(self) -> None:
        for view in (self.map, self.line):
            view.start_moved.connect(self.start_moved)
            view.selected.connect(self.selected)
        self.map.constraint_dragged.connect(self.constraint_dragged)
        self.data.points_changed.connect(self.points_changed)
        self.data.acted.connect(self.acted)
        self.data.said.connect(self.said)

    @property
    def hint(self) -> str:
        """The words over the picture, empty where there are none."""
        return self._hint.text()

    def set_hint(self, text: str) -> None:
        """Say what will happen here, in a few words over the picture; an empty text takes them away."""
        if text != self._hint.text():
            self._hint.setText(text)
            self._hint.adjustSize()
            self._place_hint()
        self._hint.setVisible(bool(text))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and pauses, full stop and comma step on and back; arrows belong to the picture."""
        key = event.key()
        if key == Qt.Key.Key_Space:
            self.toggled.emit()
        elif key in (Qt.Key.Key_Period, Qt.Key.Key_Comma):
            self.moved_on.emit(1 if key == Qt.Key.Key_Period else -1)
        else:
            super().keyPressEvent(event)

    def _place_hint(self) -> None:
        self._hint.move((self._stack.width() - self._hint.width()) // 2, 16)
        self._hint.raise_()

    @property
    def picture(self) -> QWidget:
        """What is on screen now."""
        return self._stack.currentWidget()

    def choose(self, action: QAction) -> None:
        """Show a picture as a click on its button does."""
        action.setChecked(True)
        self._on_chosen(action)

    def set_overlays(self, names: Sequence[str]) -> None:
        """Show exactly these overlays."""
        for name, action in self.overlays.items():
            action.setChecked(name in names)

    def show_config(self, config: DescentConfig) -> None:
        """Show the surface, start and feasible set of a race to come."""
        was, self._config = self._config, config
        flat = config.surface.entry.dimension == 1
        problem = bool(config.surface.entry.picture)
        if problem:
            self.data.show_problem(config.surface)
        self.data.setVisible(problem and self._on_map)
        if was is None or (was.surface.entry.dimension == 1) != flat or self._on_map:
            self._on_chosen(self._choices.checkedAction())
        view = self.line if flat else self.map
        view.show_surface(config.surface, config.start, config.constraint, config.feasible())
        self._refresh_page()

    def show_race(self, frame: DescentFrame, shown: Mapping[int, bool], step: int) -> None:
        """Draw a race up to a step in what is on screen."""
        self._race = (frame, shown, step)
        picture = self.picture
        if isinstance(picture, (SurfaceView, LineView, SurfaceView3D)):
            picture.show_race(frame, shown, step)
        if self.data.isVisible():
            self.data.show_race(frame, shown, step)

    def select(self, identity: int) -> None:
        """Choose the racer that pictures of a single one belong to."""
        if identity != self._selected:
            self._selected = identity
            for view in (self.map, self.line, self.data):
                view.select(identity)
            self._refresh_page()

    def show_stationary(self, points: Sequence[Curvature]) -> None:
        """Mark stationary points."""
        self.overlays["stationary"].setChecked(True)
        for view in (self.map, self.line):
            view.show_stationary(points)

    def show_noise_balls(self, balls: Mapping[int, NoiseBall]) -> None:
        """Draw two standard deviations of these predicted balls, and no others."""
        for identity in self._balls - set(balls):
            self.map.show_noise_ball(identity, None)
        self._balls = set(balls)
        for identity, ball in balls.items():
            self.map.show_noise_ball(identity, ball.centre, TWO_SIGMA * ball.deviations, ball.angle)

    @property
    def _on_map(self) -> bool:
        return self._choices.checkedAction() is self.map_action

    def _on_chosen(self, action: QAction) -> None:
        flat = self._config is not None and self._config.surface.entry.dimension == 1
        page = action.data()
        if action is self.relief_action:
            page = self._open_relief()
            if page is None:
                self.map_action.setChecked(True)
                return
        elif action is self.map_action and flat:
            page = self.line
        self._stack.setCurrentWidget(page)
        on_map = action is self.map_action
        self._show.setEnabled(on_map)
        self._show.setToolTip(self._show.accessibleName() if on_map else "Choose Map first")
        self.data.setVisible(on_map and self._config is not None and bool(self._config.surface.entry.picture))
        self._refresh_page()
        if self._race is not None:
            self.show_race(*self._race)

    def _open_relief(self) -> SurfaceView3D | None:
        if reason := available():
            self.relief_action.setToolTip(reason)
            self.relief_action.setEnabled(False)
            self.said.emit(reason)
            return None
        if self.relief is None:
            self.relief = SurfaceView3D()
            self._stack.addWidget(self.relief)
        return self.relief

    def _refresh_page(self) -> None:
        """Give the picture on screen the present race."""
        config = self._config
        if config is None:
            return
        if isinstance(self.picture, SurfaceView3D):
            self.picture.show_surface(config.surface, config.start, config.feasible())
        for page in self.pages:
            page.show_race(config, self.map.domain, self._selected, wanted=page is self.picture)

    def _set_overlay(self, name: str, on: bool) -> None:
        self.map.set_overlay(name, on)
        if name in LINE_OVERLAYS:
            self.line.set_overlay(name, on)

    def _on_fit(self) -> None:
        if isinstance(self.picture, (SurfaceView, LineView, SurfaceView3D, MapPage)):
            self.picture.fit()
