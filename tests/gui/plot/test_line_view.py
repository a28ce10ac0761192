"""The curve of a function of one variable: what is drawn where, and what the mouse and the keys say."""

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtTest import QTest

from optgui.core.constraints import Ball, Box, ConstraintConfig, HalfSpace
from optgui.core.curvature import stationary_points
from optgui.core.surface import DescentConfig, DescentEngine, SurfaceConfig
from optgui.gui import theme
from optgui.gui.plot.line_items import outside
from optgui.gui.plot.line_models import words_of
from optgui.gui.plot.line_view import LineView
from tests.mouse import click, double_click, drag, move

FREE = ConstraintConfig(name="None")
RACERS = [
    {"optimizer": {"name": "SGD", "lr": 0.1}},
    {"optimizer": {"name": "SGD", "lr": 0.02, "momentum": 0.9}},
    {"optimizer": {"name": "Adam", "lr": 0.1}},
]


def race(surface, racers=RACERS, steps=40, **values):
    engine = DescentEngine(
        DescentConfig.parse({"surface": surface, "racers": racers, "steps": steps, **values})
    )
    while not engine.done:
        engine.step()
    return engine.frame()


def well(x):
    """The double well, by its formula."""
    return x**4 / 4 - x**2 + 0.3 * x


@pytest.fixture
def view(qtbot):
    view = LineView()
    qtbot.addWidget(view)
    view.resize(600, 450)
    view.show()
    qtbot.waitExposed(view)
    view.show_surface(SurfaceConfig(name="DoubleWell"), (2.2, 0.0), FREE)
    return view


def box(view):
    return view.plot.getPlotItem().getViewBox()


def ring(view):
    place = view._start.pos()
    return place.x(), place.y()


def test_the_curve_is_the_function_over_what_is_in_view(view):
    x, y = view.curve.getData()
    np.testing.assert_allclose(y, well(x), rtol=1e-12, atol=1e-12)
    assert (x[0], x[-1]) == (-2.4, 2.4)
    box(view).setXRange(1.0, 1.5, padding=0)
    x, y = view.curve.getData()
    assert (x[0], x[-1]) == (1.0, 1.5)
    assert len(x) > 300, "sampled again, not cut out"
    low, high = box(view).viewRange()[1]
    assert low < y.min() < y.max() < high < y.max() + 0.2 * (y.max() - y.min())


def test_stars_lie_on_the_curve_at_the_known_minima(view):
    (spot,) = view.minima.points()
    assert spot.pos().x() == pytest.approx(-1.483968, abs=1e-6)
    assert spot.pos().y() == pytest.approx(well(-1.4839678931977263))


def test_the_ring_stands_on_the_curve_and_a_drag_moves_it_along(qtbot, view):
    moves = []
    view.start_moved.connect(lambda *args: moves.append(args))
    assert ring(view) == pytest.approx((2.2, well(2.2)))
    assert not moves, "showing a start is no move"
    drag(view.plot, ring(view), (0.5, 1.0))
    *on_the_way, last = moves
    assert last == (pytest.approx(0.5, abs=0.02), 0.0, True)
    assert on_the_way
    assert {ended for *_, ended in on_the_way} == {False}
    assert ring(view) == pytest.approx((last[0], well(last[0])))


def test_keys_nudge_by_a_pixel_and_end_the_gesture_when_released(view):
    moves = []
    view.start_moved.connect(lambda *args: moves.append(args))
    pixel = 4.8 / box(view).width()
    QTest.keyClick(view.plot, Qt.Key.Key_Left)
    assert moves == [(pytest.approx(2.2 - pixel), 0.0, False), (pytest.approx(2.2 - pixel), 0.0, True)]
    QTest.keyClick(view.plot, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert moves[-1] == (pytest.approx(2.2 + 9 * pixel), 0.0, True)
    assert ring(view)[1] == pytest.approx(well(ring(view)[0]))


def test_home_and_a_double_click_show_the_whole_domain_again(view):
    for back in (
        lambda: QTest.keyClick(view.plot, Qt.Key.Key_Home),
        lambda: double_click(view.plot, 1.1, -0.55),
    ):
        box(view).setXRange(1.0, 1.5, padding=0)
        back()
        assert box(view).viewRange()[0] == pytest.approx([-2.4, 2.4])


def test_balls_lie_on_the_curve_at_the_shown_step(view):
    frame = race({"name": "DoubleWell"})
    view.show_race(frame, {0: True, 1: False, 2: True}, 7)
    balls = {spot.data(): (spot.pos().x(), spot.pos().y()) for spot in view.balls.points()}
    assert set(balls) == {0, 2}
    for identity, (x, y) in balls.items():
        assert x == frame.paths[identity, 7, 0]
        assert y == pytest.approx(well(x))
    view.show_race(frame, {}, 0)
    assert {spot.pos().x() for spot in view.balls.points()} == {2.2}


def test_a_trail_joins_the_visited_points(view):
    frame = race({"name": "DoubleWell"})
    view.show_race(frame, {}, 3)
    x, y = view._trails[0].chords.getData()
    expected = frame.paths[0, [0, 1, 1, 2, 2, 3], 0]
    np.testing.assert_allclose(x, expected)
    np.testing.assert_allclose(y, well(expected))


def test_a_racer_that_jumps_to_and_fro_for_long_costs_a_few_chords(view):
    frame = race({"name": "Formula", "text": "x**2"}, [{"optimizer": {"name": "SGD", "lr": 1.0}}], steps=3000)
    view.show_surface(frame.config.surface, frame.config.start, FREE)
    view.show_race(frame, {}, 3000)
    x, _ = view._trails[0].chords.getData()
    assert len(x) == 4, "over and back"


def test_tangent_and_parabola_are_those_of_the_selected_racer(view):
    frame = race({"name": "DoubleWell"})
    view.show_race(frame, {}, 5)
    for identity in (None, 2):
        view.select(identity)
        at = frame.paths[identity or 0, 5, 0]
        slope, second = at**3 - 2 * at + 0.3, 3 * at**2 - 2
        x, y = view.models.curves["taylor1"].getData()
        seen = ~np.isnan(y)
        np.testing.assert_allclose(y[seen], (well(at) + slope * (x - at))[seen], rtol=1e-9)
        x, y = view.models.curves["taylor2"].getData()
        seen = ~np.isnan(y)
        model = well(at) + slope * (x - at) + second / 2 * (x - at) ** 2
        np.testing.assert_allclose(y[seen], model[seen], rtol=1e-9)
    view.set_overlay("taylor2", False)
    assert not view.models.curves["taylor2"].isVisible()
    assert view.models.curves["taylor1"].isVisible()


def test_the_arrow_leads_level_to_where_the_next_step_leads(view):
    frame = race({"name": "DoubleWell"})
    view.set_overlay("arrows", True)
    view.show_race(frame, {}, 1)
    x, y = view._trails[2].arrow.getData()
    assert x[0] == frame.paths[2, 1, 0]
    assert x[1] == frame.paths[2, 2, 0]
    assert y[0] == y[1] == frame.losses[2, 1]
    view.show_race(frame, {}, frame.step)
    assert not view._trails[2].arrow.getData()[0].size, "no step is known after the last"


def test_an_unknown_overlay_is_refused(view):
    with pytest.raises(ValueError, match="overlay: expected one of taylor1"):
        view.set_overlay("taylor3", True)


def test_a_click_on_a_ball_selects_its_racer(qtbot, view):
    frame = race({"name": "DoubleWell"})
    view.show_race(frame, {}, 7)
    x, y = frame.paths[1, 7, 0], frame.losses[1, 7]
    with qtbot.waitSignal(view.selected) as caught:
        click(view.plot, x, y)
    assert caught.args == [1]
    with qtbot.assertNotEmitted(view.selected):
        click(view.plot, -1.0, 3.0)


def test_stationary_points_are_marked_where_no_star_is(view):
    config = SurfaceConfig(name="DoubleWell")
    view.show_stationary(stationary_points(config.evaluate, config.entry.domain))
    assert len(view._stations.points()) == 0
    view.set_overlay("stationary", True)
    (maximum,) = view._stations.points()
    assert maximum.pos().x() == pytest.approx(0.1517, abs=1e-3)  # the middle root of x³ − 2x + 0.3
    assert maximum.symbol() == "t1"


def test_what_is_not_feasible_is_veiled(view):
    config = SurfaceConfig(name="DoubleWell")
    allowed = ConstraintConfig.parse({"name": "Box", "low": [-1.0, -1.0], "high": [0.5, 1.0]})
    view.show_surface(config, (0.0, 0.0), allowed)
    assert view._outside.intervals == ((-math.inf, -1.0), (0.5, math.inf))
    path = view._outside.path()
    low, high = box(view).viewRange()[1]
    for x, veiled in ((-1.5, True), (0.0, False), (1.0, True)):
        assert all(path.contains(type(path.currentPosition())(x, y)) is veiled for y in (low, high))
    view.show_surface(config, (0.0, 0.0), FREE, feasible=HalfSpace((1.0, 0.0), 2.0))
    assert view._outside.intervals == ((2.0, math.inf),)
    view.show_surface(config, (0.0, 0.0), FREE)
    assert view._outside.intervals == ()


@pytest.mark.parametrize(
    ("feasible", "expected"),
    [
        (Box((-1.0, -1.0), (2.0, 1.0)), [(-math.inf, -1.0), (2.0, math.inf)]),
        (Ball((0.5, 0.0), 1.0), [(-math.inf, -0.5), (1.5, math.inf)]),
        (Ball((0.0, 3.0), 1.0), [(-math.inf, math.inf)]),
        (HalfSpace((0.0, 1.0), 1.0), []),
        (HalfSpace((-2.0, 0.0), 1.0), [(-math.inf, -0.5)]),
    ],
)
def test_the_infeasible_parts_are_those_of_the_axis(feasible, expected):
    found = outside(feasible, (-3.0, 3.0))
    assert len(found) == len(expected)
    for part, wanted in zip(found, expected, strict=True):
        assert part == pytest.approx(wanted, abs=1e-3)


def test_where_there_is_no_value_the_plot_is_hatched_and_the_curve_has_a_gap(view):
    view.show_surface(SurfaceConfig.parse({"name": "Formula", "text": "log(x)"}), (4.0, 0.0), FREE)
    ((low, high),) = view._gaps.intervals
    assert low == pytest.approx(-5.0, abs=0.02)
    assert high == pytest.approx(0.0, abs=0.02)
    x, y = view.curve.getData()
    assert np.isnan(y[x < -0.05]).all()
    assert np.isfinite(y[x > 0.05]).all()
    assert view._gaps.brush().style() == Qt.BrushStyle.BDiagPattern
    view.show_start((-2.0, 0.0))
    assert math.isfinite(ring(view)[1]), "the ring stays in sight where there is no curve"


def test_a_pole_does_not_flatten_the_rest(view):
    view.show_surface(SurfaceConfig.parse({"name": "Formula", "text": "1/x^2"}), (4.0, 0.0), FREE)
    _, high = box(view).viewRange()[1]
    assert high < 100


def test_hovering_reads_value_slope_and_bend(qtbot, view):
    words = words_of(SurfaceConfig(name="DoubleWell").curvature(1.0, 0.0), 0.01)
    assert words.splitlines() == ["x 1   f -0.45", "f′ -0.7   f″ 1", "falling, convex here"]
    near_top = words_of(SurfaceConfig(name="DoubleWell").curvature(0.152, 0.0), 0.01)
    assert near_top.endswith("maximum, concave here")
    outside_log = SurfaceConfig.parse({"name": "Formula", "text": "log(x)"}).curvature(-1.0, 0.0)
    assert words_of(outside_log, 0.01).endswith("no value here")
    move(view.plot, 1.0, 1.0)
    assert view._read_out.isVisible()
    assert "falling, convex here" in view._read_out.text()


def test_another_function_forgets_the_race(view):
    view.show_race(race({"name": "DoubleWell"}), {}, 7)
    view.show_surface(SurfaceConfig(name="ConvexBowl"), (-2.8, 0.0), FREE)
    assert not len(view.balls.points())
    assert not view.models.curves["taylor1"].isVisible()
    assert box(view).viewRange()[0] == pytest.approx([-3.0, 3.0])


def test_a_racer_far_out_of_view_draws_without_a_warning(view):
    frame = race({"name": "ConvexBowl"}, [{"optimizer": {"name": "SGD", "lr": 3.0}}], steps=60)
    view.show_surface(frame.config.surface, frame.config.start, FREE)
    assert frame.diverged != (None,)
    for step in range(frame.step + 1):
        view.show_race(frame, {}, step)
        view.grab()


def test_it_follows_the_look(view):
    view.show_race(race({"name": "DoubleWell"}), {}, 3)
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, theme.DARK.window)
    view.setPalette(palette)
    assert view.plot.backgroundBrush().color().name().upper() == theme.DARK.plot
    assert view.balls.points()[0].brush().color().name().upper() in theme.DARK.series
