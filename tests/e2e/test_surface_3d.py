"""The relief on a real screen: the colours that a person sees, and what keys and mouse do."""

from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from optgui.core.constraints import CONSTRAINTS
from optgui.core.surface import DescentConfig, DescentEngine, SurfaceConfig
from optgui.gui import theme
from optgui.gui.plot.opengl import available
from optgui.gui.plot.surface_view_3d import SurfaceView3D

pytestmark = pytest.mark.e2e
BOWL = SurfaceConfig.parse({"name": "Formula", "text": "x**2 + y**2"})


@pytest.fixture
def view(qtbot):
    if available():
        pytest.skip(available())
    view = SurfaceView3D()
    qtbot.addWidget(view)
    view.resize(700, 500)
    with qtbot.waitExposed(view):
        view.show()
    return view


def pixels(view):
    """What is seen (height, width, 3), once the smooth picture is there."""
    image = view.grab().toImage().convertToFormat(view.grab().toImage().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int).copy()


def count(view, colour, tolerance=30):
    """How many pixels have nearly that colour."""
    return int((np.abs(pixels(view) - colour.getRgb()[:3]).max(axis=2) <= tolerance).sum())


def race(paths):
    paths = np.array(paths, dtype=float)
    return SimpleNamespace(ids=tuple(range(len(paths))), paths=paths, step=paths.shape[1] - 1)


def line(start, end, steps=50):
    return np.linspace(start, end, steps + 1)


def test_the_relief_fills_the_view_and_a_hole_shows_the_background(view):
    view.show_surface(BOWL, (3.0, 3.0))
    full = (pixels(view).std(axis=2) > 8).sum()
    assert full > 0.15 * 700 * 500
    view.show_surface(SurfaceConfig.parse({"name": "Formula", "text": "x**2 + y**2 + 0*log(x)"}), (3.0, 3.0))
    assert 0.3 * full < (pixels(view).std(axis=2) > 8).sum() < 0.75 * full


def test_paths_grow_with_the_step_and_vanish_when_hidden(view):
    colour = theme.racer_colour(3, view)
    frame = race([line((3, 3), (-3, 3))] * 4)
    view.show_surface(BOWL, (3.0, 3.0))
    only = {0: False, 1: False, 2: False, 3: True}
    seen = []
    for step in (0, 10, 50):
        view.show_race(frame, only, step)
        seen.append(count(view, colour))
    assert seen[0] < seen[1] < seen[2]
    view.show_race(frame, dict.fromkeys(range(4), False), 50)
    assert count(view, colour) < seen[0]


def test_a_race_that_leaves_the_finite_world_is_drawn_as_far_as_it_goes(view, recwarn):
    view.show_surface(BOWL, (1.0, 1.0))
    view.show_race(race([[(1, 1), (-3, 3), (1e300, -1e300), (1e300, -1e300)]]), {}, 3)
    assert count(view, theme.racer_colour(0, view)) > 20
    assert not recwarn.list


def test_the_feasible_set_is_left_and_the_rest_veiled(view):
    view.show_surface(BOWL, (1.0, 1.0))
    open_colours = pixels(view)
    view.show_surface(BOWL, (1.0, 1.0), CONSTRAINTS["Ball"](radius=2.0))
    changed = np.abs(pixels(view) - open_colours).max(axis=2) > 20
    assert 0.1 * changed.size < changed.sum()
    assert not changed[240:260, 340:360].all()


@pytest.mark.parametrize("name", ["DoubleWell", "Rosenbrock"])
def test_both_looks_have_their_background(view, name):
    view.show_surface(SurfaceConfig(name=name), (0.5, 0.5))
    for tokens in (theme.DARK, theme.LIGHT):
        view.setPalette(theme._palette(tokens))
        red, green, blue = pixels(view)[3, 3]
        assert f"#{red:02X}{green:02X}{blue:02X}" == tokens.plot


def test_keys_turn_and_zoom_and_home_puts_all_back(view):
    view.show_surface(BOWL, (1.0, 1.0))
    scene = view.scene
    before = scene.eye
    QTest.keyClick(scene, Qt.Key.Key_Left)
    turned = scene.eye
    assert np.linalg.norm(turned) == pytest.approx(np.linalg.norm(before), rel=0.02)
    assert not np.allclose(turned[:2], before[:2])
    QTest.keyClick(scene, Qt.Key.Key_Up)
    assert scene.eye[2] > turned[2]
    QTest.keyClick(scene, Qt.Key.Key_Plus)
    assert np.linalg.norm(scene.eye) < np.linalg.norm(turned)
    QTest.keyClick(scene, Qt.Key.Key_Home)
    np.testing.assert_allclose(scene.eye, before)


def test_the_mouse_turns_the_wheel_zooms_and_a_double_click_puts_all_back(view):
    view.show_surface(BOWL, (1.0, 1.0))
    scene = view.scene
    before = scene.eye
    QTest.mousePress(scene, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    moved = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(360, 200),
        QPointF(scene.mapToGlobal(QPoint(360, 200))),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(scene, moved)
    QTest.mouseRelease(scene, Qt.MouseButton.LeftButton, pos=QPoint(360, 200))
    turned = scene.eye
    assert not np.allclose(turned, before)
    wheel = QWheelEvent(
        QPointF(300, 200),
        QPointF(scene.mapToGlobal(QPoint(300, 200))),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(scene, wheel)
    assert np.linalg.norm(scene.eye) < np.linalg.norm(turned)
    QTest.mouseDClick(scene, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    np.testing.assert_allclose(scene.eye, before)


def test_marks_are_projected_to_where_opengl_draws(view):
    view.show_surface(BOWL, (3.0, 3.0))
    view.show_race(race([line((-3, 3), (3, 3), 2)] * 4), {0: True, 1: False, 2: False, 3: False}, 2)
    colour = np.array(theme.racer_colour(0, view).getRgb()[:3])
    seen = np.abs(pixels(view) - colour).max(axis=2) < 40
    for x in (-2.0, 0.0, 1.5):  # the line, which OpenGL draws, and the head at its end, which it does not
        column, row = view.scene.project(view.relief.lift(view.relief.floor(np.array([[x, 3.0]]))))[0]
        assert seen[round(row) - 2 : round(row) + 3, round(column) - 2 : round(column) + 3].any()


def test_two_views_draw_with_one_context_and_one_may_go(view, qtbot):
    view.show_surface(BOWL, (1.0, 1.0))
    other = SurfaceView3D()
    qtbot.addWidget(other)
    other.resize(400, 300)
    other.show_surface(SurfaceConfig(name="Himmelblau"), (0.0, 0.0))
    other.show()
    assert other.grab().toImage().pixelColor(200, 160) != other.grab().toImage().pixelColor(2, 2)
    other.close()
    other.deleteLater()
    view.scene.turn(10, 0)
    assert (pixels(view).std(axis=2) > 8).sum() > 1000


def test_the_same_surface_is_not_computed_again(view):
    view.show_surface(BOWL, (1.0, 1.0))
    relief = view.relief
    view.show_surface(BOWL, (2.0, 1.0), CONSTRAINTS["Ball"](radius=2.0))
    view.hide()
    view.show()
    assert view.relief is relief
    view.show_surface(SurfaceConfig(name="Ackley"), (2.0, 1.0))
    assert view.relief is not relief


def test_a_real_race_is_drawn_step_by_step(view):
    engine = DescentEngine(DescentConfig.parse({"surface": {"name": "Rosenbrock"}, "steps": 60}))
    while not engine.done:
        engine.step()
    frame = engine.frame()
    view.show_surface(frame.config.surface, frame.config.start, frame.config.feasible())
    for step in (0, 30, frame.step):
        view.show_race(frame, {}, step)
        assert view.scene.accessibleDescription().startswith(f"Step {step}: racer 1 at ")
    assert count(view, theme.racer_colour(0, view)) > 20
