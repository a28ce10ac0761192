"""RobustSide: what is measured and on which networks, in a narrow column that folds away."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from optgui.core.attack.robust import RobustConfig
from optgui.gui.attack.robust.networks import RobustNetworks
from optgui.gui.form.param_form import ParamForm
from optgui.gui.form.widgets import LOCKED, group_title
from optgui.gui.networks import NetworkShelf

CHARACTERS = 44  # of its width


class RobustSide(QScrollArea):
    """The ticks of the networks above the form."""

    def __init__(self, shelf: NetworkShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.robust.side")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.networks = RobustNetworks(shelf)
        self.form = ParamForm(RobustConfig(), "attack.robust")
        body = QWidget()
        body.setObjectName("controls_body")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(12, 8, 12, 12)
        layout.setSpacing(6)
        layout.addWidget(group_title("Networks", "The ones to measure, each with a line of its own"))
        layout.addWidget(self.networks)
        layout.addSpacing(6)
        layout.addWidget(self.form)
        layout.addStretch(1)
        self.setWidget(body)

    @property
    def config(self) -> RobustConfig:
        """What the form says."""
        config = self.form.config
        assert isinstance(config, RobustConfig)
        return config

    def lock(self, locked: bool) -> None:
        """While a measurement goes on nothing can be changed."""
        self.form.set_locked(locked)
        self.networks.setEnabled(not locked)
        self.networks.setToolTip(LOCKED if locked else "")

    def sizeHint(self) -> QSize:
        return QSize(self.minimumSizeHint().width(), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Never narrower than what it holds, or than fields of a readable width."""
        body = self.widget()
        inside = body.minimumSizeHint().width() if body is not None else 0
        inside = max(inside, CHARACTERS * self.fontMetrics().averageCharWidth())
        return QSize(inside + self.verticalScrollBar().sizeHint().width(), 80)
