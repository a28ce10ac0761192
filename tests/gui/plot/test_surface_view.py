"""The map as a person uses it."""

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from optgui.core.constraints import Ball, ConstraintConfig
from optgui.core.curvature import taylor
from optgui.core.surface import DescentConfig, DescentEngine
from optgui.gui import theme
from optgui.gui.plot.surface_view import SurfaceView
from tests.mouse import double_click

BOWL = {"name": "Formula", "text": "x**2 + 10*y**2"}
HALF = {"name": "Formula", "text": "sqrt(x) + y**2"}  # no value left of the axis
BALL = {"name": "Ball", "center": [0, 0], "radius": 3}


def race(steps=40, surface=BOWL, start=(4.0, 2.0), racers=((0.01, 0), (0.03, 0)), **values):
    engine = DescentEngine(
        DescentConfig.parse(
            {
                "surface": surface,
                "start": start,
                "steps": steps,
                "racers": [{"optimizer": {"name": "SGD", "lr": lr, "momentum": m}} for lr, m in racers],
                **values,
            }
        )
    )
    while not engine.done:
        engine.step()
    return engine.frame()


@pytest.fixture(autouse=True)
def _every_mouse_move_counts(monkeypatch):
    monkeypatch.setitem(
        pg.CONFIG_OPTIONS, "mouseRateLimit", -1
    )  # it drops those of one hundredth of a second


@pytest.fixture
def show(qtbot):
    def show(frame, step=None, feasible=None, **overlays):
        view = SurfaceView()
        qtbot.addWidget(view)
        view.resize(640, 480)
        view.show()
        for name, on in overlays.items():
            view.set_overlay(name, on)
        config = frame.config
        view.show_surface(config.surface, config.start, config.constraint, feasible)
        view.show_race(frame, dict.fromkeys(frame.ids, True), step)
        qtbot.waitUntil(lambda: view.heat.missing.size > 0)
        view.grab()  # axes find their width when they are painted
        QApplication.processEvents()
        qtbot.waitUntil(lambda: not view._rest.isActive() and not view.models._rest.isActive())
        return view

    return show


def pixel(view, point):
    box = view.plot.getPlotItem().getViewBox()
    return view.plot.mapFromScene(box.mapViewToScene(QPointF(*point)))


def send(view, kind, place, button=Qt.MouseButton.LeftButton, held=Qt.MouseButton.NoButton):
    viewport = view.plot.viewport()
    glob = QPointF(viewport.mapToGlobal(place))
    QApplication.sendEvent(
        viewport,
        QMouseEvent(kind, QPointF(place), glob, button, held, Qt.KeyboardModifier.NoModifier),
    )


def click(view, point):
    place = pixel(view, point)
    send(view, QEvent.Type.MouseMove, place, Qt.MouseButton.NoButton)
    send(view, QEvent.Type.MouseButtonPress, place, held=Qt.MouseButton.LeftButton)
    send(view, QEvent.Type.MouseButtonRelease, place)


def drag(view, start, end):
    a, b = pixel(view, start), pixel(view, end)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    send(view, QEvent.Type.MouseMove, a, none)
    send(view, QEvent.Type.MouseButtonPress, a, left, left)
    for share in np.linspace(0.2, 1, 5):
        place = QPoint(round(a.x() + share * (b.x() - a.x())), round(a.y() + share * (b.y() - a.y())))
        send(view, QEvent.Type.MouseMove, place, none, left)
    send(view, QEvent.Type.MouseButtonRelease, b, left, none)


def colours_round(view, point, reach=10):
    image = view.grab().toImage()
    at = view.plot.mapTo(view, pixel(view, point))
    near = range(-reach, reach + 1)
    return {image.pixelColor(at.x() + dx, at.y() + dy).name() for dx in near for dy in near}


def test_paths_end_at_the_step(show):
    frame = race()
    view = show(frame, step=7)
    for place in range(2):
        points = view.paths.points(place)
        assert points[0] == pytest.approx(frame.paths[place, 0])
        assert points[-1] == pytest.approx(frame.paths[place, 7])
    view.show_race(frame, {}, None)
    assert view.paths.points(1)[-1] == pytest.approx(frame.paths[1, 40])


def test_the_points_kept_do_not_depend_on_how_the_play_head_got_there(show):
    frame = race()
    view = show(frame, step=3)
    view.show_race(frame, {}, 30)
    forward = view.paths.points(0)
    view.show_race(frame, {}, 40)
    view.show_race(frame, {}, 30)
    assert np.array_equal(view.paths.points(0), forward)


def test_a_diverged_racer_has_a_cross_only_from_that_step_on(show):
    frame = race(racers=((0.01, 0), (1e3, 0)), steps=200)
    stop = frame.diverged[1]
    view = show(frame, step=stop - 1)
    pictures = []
    for step in (stop - 1, stop, stop + 1):  # in all of them it stands at its last finite position
        view.show_race(frame, {0: False}, step)
        pictures.append(view.grab().toImage())
    assert pictures[0] != pictures[1]
    assert pictures[1] == pictures[2]


def test_where_the_surface_has_no_value_the_map_is_hatched(show):
    view = show(race(surface=HALF, start=(4.0, 2.0)))
    x = np.linspace(*view.plot.getViewBox().viewRange()[0], view.heat.missing.shape[1])
    assert np.array_equal(view.heat.missing, np.broadcast_to(x < 0, view.heat.missing.shape))
    ground = theme.colours(view).plot.lower()
    assert {ground} < colours_round(view, (-3, 0))
    assert ground not in colours_round(view, (3, -2))


def test_a_surface_with_values_everywhere_is_not_hatched(show):
    view = show(race())
    assert not view.heat.missing.any()
    assert theme.colours(view).plot.lower() not in colours_round(view, (-3, 0))


def test_a_click_on_a_head_selects_it_and_leaves_the_start(qtbot, show):
    frame = race()
    view = show(frame, step=20)
    moves = []
    view.start_moved.connect(lambda *values: moves.append(values))
    with qtbot.waitSignal(view.selected) as signal:
        click(view, frame.paths[1, 20])
    assert signal.args == [frame.ids[1]]
    assert not moves


def test_clicks_on_heads_that_share_a_place_choose_one_after_the_other(show):
    frame = race()
    view = show(frame, step=0)
    at = QPointF(*frame.paths[0, 0])
    chosen = []
    for _ in range(3):
        chosen.append(view.paths.at(at))
        view.select(chosen[-1])
    assert chosen == [0, 1, 0]


def test_a_hidden_racer_cannot_be_selected(show):
    frame = race()
    view = show(frame, step=20)
    view.show_race(frame, {1: False}, 20)
    assert view.paths.at(QPointF(*frame.paths[1, 20])) != 1


def test_a_click_beside_the_heads_moves_the_start(qtbot, show):
    view = show(race())
    with qtbot.waitSignal(view.start_moved) as signal:
        click(view, (-3.0, -3.0))
    x, y, ended = signal.args
    size = view.plot.getViewBox().viewPixelSize()[0]
    assert (x, y) == pytest.approx((-3, -3), abs=2 * size)
    assert ended


def test_a_double_click_fits_and_leaves_the_start(show):
    view = show(race())
    box = view.plot.getViewBox()
    before = box.viewRange()
    moves = []
    view.start_moved.connect(lambda *values: moves.append(values))
    box.setRange(xRange=(-4, 4), yRange=(-4, 4), padding=0)
    QApplication.processEvents()
    double_click(view.plot, 1.0, 1.0)
    assert np.allclose(box.viewRange(), before)
    assert not view._second.isActive()
    assert not moves


def test_a_handle_whose_constraint_goes_while_it_is_dragged_is_removed_when_let_go(show):
    view = show(race(constraint=BALL))
    config = view._config
    told = []

    def gone(changed, ended):
        told.append(ended)
        view.show_surface(config, (4.0, 2.0), ConstraintConfig(name="None"))
        assert not any(item.isVisible() for item in view._handles.items)

    view.constraint_dragged.connect(gone)
    drag(view, (3, 0), (4, 0))
    assert told == [False]
    assert not view._handles.items
    view.constraint_dragged.disconnect(gone)
    view.show_surface(config, (4.0, 2.0), ConstraintConfig.parse(BALL))
    drag(view, (3, 0), (4, 0))
    assert view._constraint.values["radius"] == pytest.approx(4, abs=0.1)


def test_a_handle_whose_constraint_becomes_another_while_it_is_dragged_moves_nothing(show):
    view = show(race(constraint=BALL))
    box = ConstraintConfig.parse({"name": "Box", "low": [-1, -1], "high": [1, 1]})
    told = []

    def other(changed, ended):
        told.append(changed.name)
        view.show_surface(view._config, (4.0, 2.0), box)

    view.constraint_dragged.connect(other)
    drag(view, (3, 0), (4, 0))
    assert told == ["Ball"]
    assert len(view._handles.items) == 5
    assert all(item.isVisible() for item in view._handles.items)


def test_a_stationary_point_where_a_star_is_has_no_other_symbol(show):
    view = show(race(surface={"name": "Himmelblau"}, start=(0.0, 0.0)))
    saddle = view._config.curvature(0.0867, 2.8843)
    for _ in range(5):
        saddle = view._config.curvature(*(saddle.point - np.linalg.solve(saddle.hessian, saddle.gradient)))
    view.show_stationary([view._config.curvature(*view._config.minima[0]), saddle])
    assert [symbol.kind for symbol in view.overlays.marks.symbols] == ["saddle"]


def test_the_selected_racer_is_the_one_with_normals(show):
    frame = race(constraint=BALL, start=(4.0, 2.0))
    view = show(frame, step=1, normals=True, projection=False)
    view.select(1)
    assert {arrow.racer for arrow in view.overlays.marks.arrows} <= {1}
    view.show_race(frame, {1: False}, 0)
    assert {arrow.racer for arrow in view.overlays.marks.arrows} == {0}


def test_marks_of_other_racers_stand_back_behind_those_of_the_selected_one(show):
    frame = race(steps=20, racers=((0.01, 0), (0.01, 0.5)))
    view = show(frame, step=4, arrows=True)
    alike = view.grab().toImage()
    view.select(1)
    assert view.grab().toImage() != alike
    view.select(None)
    assert view.grab().toImage() == alike


def test_dragging_a_handle_tells_the_new_constraint(show):
    view = show(race(constraint=BALL))
    told = []
    view.constraint_dragged.connect(lambda config, ended: told.append((config, ended)))
    drag(view, (3, 0), (4, 0))
    assert [ended for _, ended in told].count(True) == 1
    config, ended = told[-1]
    assert ended
    assert config.name == "Ball"
    assert config.values["center"] == (0.0, 0.0)
    size = view.plot.getViewBox().viewPixelSize()[0]
    assert config.values["radius"] == pytest.approx(4, abs=2 * size)


def test_a_corner_can_be_dragged_past_the_others_while_the_form_follows(show):
    frame = race(constraint={"name": "Box", "low": [-1, -1], "high": [1, 1]})
    view = show(frame)
    told = []

    def follow(config, ended):
        told.append(config)
        view.show_surface(frame.config.surface, frame.config.start, config)

    view.constraint_dragged.connect(follow)
    drag(view, (1, 1), (-2, 2))
    size = view.plot.getViewBox().viewPixelSize()[0]
    assert told[-1].values["low"] == pytest.approx((-2, -1), abs=2 * size)
    assert told[-1].values["high"] == pytest.approx((-1, 2), abs=2 * size)
    assert view.veil.path().contains(QPointF(0.5, 0.5))


def test_the_start_stays_while_a_handle_is_dragged(show):
    view = show(race(constraint=BALL))
    moves = []
    view.start_moved.connect(lambda *values: moves.append(values))
    drag(view, (3, 0), (2, 0))
    click(view, (0, 0))
    assert not moves


def test_what_is_shaded_is_the_feasible_set_that_is_given(show):
    frame = race(constraint=BALL)
    view = show(frame, feasible=Ball(center=(0.0, 0.0), radius=1.0))
    assert view.veil.path().contains(QPointF(2, 0))
    assert not view.veil.path().contains(QPointF(0.5, 0))
    config = frame.config
    view.show_surface(config.surface, config.start, config.constraint)
    assert not view.veil.path().contains(QPointF(2, 0))
    view.show_surface(config.surface, config.start, ConstraintConfig(name="None"))
    assert view.veil.path().isEmpty()
    assert not view._handles.items


def test_the_quadratic_model_of_a_quadratic_has_the_surfaces_own_contours(show):
    frame = race()
    view = show(frame, step=4, taylor2=True)
    path = view.models.paths[2]
    points = [path.elementAt(place) for place in range(path.elementCount())]
    heights = np.array([point.x**2 + 10 * point.y**2 for point in points])
    assert len(heights) > 100
    off = np.abs(heights[:, None] - view.heat.levels).min(axis=1)
    assert off.max() < 0.02 * view.heat.levels.max()


def test_the_linear_model_belongs_to_the_selected_head(show):
    frame = race()
    view = show(frame, step=4, taylor1=True)
    view.select(1)
    view.models._rest.timeout.emit()
    here = frame.config.surface.curvature(*frame.paths[1, 4])
    path = view.models.paths[1]
    points = [path.elementAt(place) for place in range(path.elementCount())]
    heights = taylor(here, 1, [(point.x, point.y) for point in points])
    assert np.abs(heights[:, None] - view.heat.levels).min(axis=1).max() < 1e-6
    view.set_overlay("taylor1", False)
    assert not view.models.paths


def test_a_noise_ball_goes_with_its_racer(show):
    frame = race()
    view = show(frame)
    view.show_noise_ball(1, (1.0, 2.0), (0.5, 0.25), 30.0)
    (oval,) = view.overlays.marks.ovals
    assert (oval.centre, oval.half_axes, oval.angle) == ((1, 2), (0.5, 0.25), 30)
    view.show_race(frame, {1: False})
    assert not view.overlays.marks.ovals
    view.show_race(frame, {})
    view.show_noise_ball(1, None)
    assert not view.overlays.marks.ovals


def test_the_cursor_reads_a_stationary_point_it_is_near(show):
    view = show(race())
    view.show_stationary([view._config.curvature(0, 0)])
    read_out = view.findChild(QLabel, "read_out")
    send(view, QEvent.Type.MouseMove, pixel(view, (0, 0)) + QPoint(4, 3), Qt.MouseButton.NoButton)
    assert "Stationary: minimum" in read_out.text()
    view.set_overlay("stationary", False)
    send(view, QEvent.Type.MouseMove, pixel(view, (0, 0)) + QPoint(5, 3), Qt.MouseButton.NoButton)
    assert "Stationary" not in read_out.text()


def test_the_path_ahead_reaches_from_the_head_to_the_last_step(show):
    frame = race()
    view = show(frame, step=10)
    ahead = view.paths.ahead(1)
    np.testing.assert_array_equal(ahead[0], frame.paths[1, 10])
    np.testing.assert_allclose(ahead[-1], frame.paths[1, -1], atol=0.05)
    np.testing.assert_array_equal(view.paths.points(1)[-1], ahead[0])


def test_an_unknown_overlay_is_refused(show):
    with pytest.raises(ValueError, match="name: expected one of ahead, arrows, "):
        show(race()).set_overlay("arrow", True)


def test_keys_nudge_the_start_and_fit_the_domain(show):
    view = show(race())
    box = view.plot.getViewBox()
    moves = []
    view.start_moved.connect(lambda *values: moves.append(values))
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    width, height = box.viewPixelSize()
    assert moves[-1][:2] == pytest.approx((4 + width, 2 + 10 * height))
    before = box.viewRange()
    box.setRange(xRange=(0, 1), yRange=(0, 1), padding=0)
    assert view.domain[1] == pytest.approx((0, 1))
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert np.allclose(box.viewRange(), before)


def test_all_overlays_together_are_painted_in_either_look(show):
    names = ("arrows", "moments", "curvature", "normals", "taylor1", "taylor2")
    view = show(race(constraint=BALL), step=10, **dict.fromkeys(names, True))
    view.show_noise_ball(0, (0, 0), (1, 1))
    view.show_stationary([view._config.curvature(0, 0)])
    light = view.grab().toImage()
    dark = QPalette()
    dark.setColor(QPalette.ColorRole.Window, "#15171C")
    view.setPalette(dark)
    assert view.grab().toImage() != light
    assert theme.colours(view).casing == "#000000"
