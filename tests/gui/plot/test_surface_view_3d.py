"""Where there is no OpenGL; what is drawn where there is stands in tests/e2e/test_surface_3d.py."""

from types import SimpleNamespace

import numpy as np
from PySide6.QtWidgets import QLabel

from optgui.core.surface import SurfaceConfig
from optgui.gui.plot.opengl import available
from optgui.gui.plot.surface_view_3d import SurfaceView3D


def test_without_opengl_the_view_says_why_and_takes_everything(qtbot):
    view = SurfaceView3D()
    qtbot.addWidget(view)
    frame = SimpleNamespace(ids=(0,), paths=np.zeros((1, 3, 2)), step=2)
    view.show_surface(SurfaceConfig(name="Rosenbrock"), (-1.2, 1.0))
    view.show()
    view.show_race(frame, {0: True}, 1)
    view.fit()
    assert view.scene is None
    assert [label.text() for label in view.findChildren(QLabel)] == [available()]
    view.hide()
    view.show()
    assert len(view.findChildren(QLabel)) == 1


def test_a_view_that_nobody_has_seen_computes_nothing(qtbot):
    view = SurfaceView3D()
    qtbot.addWidget(view)
    view.show_surface(SurfaceConfig(name="Rosenbrock"), (-1.2, 1.0))
    assert view.scene is None
    assert view.relief is None
