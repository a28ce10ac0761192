"""The frame every tab shares: controls, picture over curves, readings, run bar."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QScrollArea, QSplitter, QVBoxLayout, QWidget

from optgui.core.params import Config
from optgui.gui.job.job_panel import JobPanel
from optgui.jobs.controller import JobController

CONTROLS_CHARACTERS, READINGS_CHARACTERS = 50, 42  # of average width


class TabFrame(QWidget):
    """Lays out one subject; `controls` and `readings` fold away so that the picture can fill a wall."""

    def __init__(self, panel: JobPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = panel
        self.defaults = panel.form.config
        panel.setParent(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(panel.messages)
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        self.columns.setHandleWidth(1)
        self.controls, self.controls_layout = _side("controls")
        self.centre = QSplitter(Qt.Orientation.Vertical)
        self.centre.setHandleWidth(1)
        self.readings, self.readings_layout = _side("readings")
        for column in (self.controls, self.centre, self.readings):
            self.columns.addWidget(column)
        self.columns.setStretchFactor(1, 1)
        self.columns.setChildrenCollapsible(False)
        self.centre.setChildrenCollapsible(False)
        layout.addWidget(self.columns, 1)
        layout.addWidget(panel.run_bar)
        self.controls_layout.addWidget(panel.form)
        self.controls_layout.addStretch(1)
        character = self.fontMetrics().averageCharWidth()
        left, right = character * CONTROLS_CHARACTERS, character * READINGS_CHARACTERS
        self.columns.setSizes([left, 10_000, right])

    @property
    def controllers(self) -> tuple[JobController, ...]:
        """Everything that must end before the program does."""
        return (self.panel.controller,)

    @property
    def acting(self) -> JobPanel:
        """What the keys for start, step, stop and undo act on."""
        return self.panel

    def open_config(self, config: Config) -> None:
        """Put a config into the form, as if a person had made every edit."""
        self.panel.form.set_config(config)
        self.panel.adopt()

    def set_shares(self, *shares: int) -> None:
        """Divide the centre's height among its pictures."""
        self.centre.setSizes([share * 100 for share in shares])
        for index, share in enumerate(shares):
            self.centre.setStretchFactor(index, share)


class _Column(QScrollArea):
    """Scrolls up and down only: never narrower than what it holds."""

    def minimumSizeHint(self) -> QSize:
        bar = self.verticalScrollBar().sizeHint().width()
        inside = self.widget().minimumSizeHint().width() if self.widget() else 0
        return QSize(inside + bar, super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tell the splitter when what it holds wants more room."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)


def _side(name: str) -> tuple[QWidget, QVBoxLayout]:
    side = QWidget()
    side.setObjectName(name)
    side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    outer = QVBoxLayout(side)
    outer.setContentsMargins(0, 0, 0, 0)
    area = _Column()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    body = QWidget()
    body.setObjectName(f"{name}_body")
    layout = QVBoxLayout(body)
    layout.setContentsMargins(12, 12, 12, 12)
    layout.setSpacing(16)
    area.setWidget(body)
    outer.addWidget(area)
    return side, layout
