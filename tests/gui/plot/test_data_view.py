"""The data panel: lines are where the numbers say, points go where the hand puts them."""

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

from optgui.core.surface import DescentConfig, DescentEngine, SurfaceConfig
from optgui.gui import theme
from optgui.gui.plot.data_view import DataView
from tests.mouse import RIGHT, click, double_click, drag

RACERS = [{"id": 4, "optimizer": {"name": "SGD", "lr": 0.01}}, {"id": 7, "optimizer": {"name": "Adam"}}]
PROBLEMS = ("LinearRegression", "LogisticRegression", "SVM", "LinearProgram")


def race(surface, steps=30, racers=RACERS, **values):
    engine = DescentEngine(
        DescentConfig.parse({"surface": surface, "racers": racers, "steps": steps, **values})
    )
    while not engine.done:
        engine.step()
    return engine.frame()


@pytest.fixture
def view(qtbot):
    view = DataView()
    qtbot.addWidget(view)
    view.resize(450, 450)
    view.show()
    qtbot.waitExposed(view)
    return view


@pytest.fixture
def said(view):
    """Every `points_changed` so far."""
    heard = []
    view.points_changed.connect(lambda points, ended: heard.append((points, ended)))
    return heard


def show(view, surface, step=None, **values):
    frame = race(surface, **values)
    view.show_problem(frame.config.surface)
    view.show_race(frame, {}, frame.step if step is None else step)
    return frame


def line_of(view, identity):
    """The ends (2 k, 2) of what a racer's lines show."""
    return np.column_stack(view._picture.lines.items[identity].getData())


def test_a_surface_without_data_is_refused(view):
    with pytest.raises(ValueError, match="expected one with a picture of its data, got Rosenbrock"):
        view.show_problem(SurfaceConfig(name="Rosenbrock"))


@pytest.mark.parametrize("name", PROBLEMS)
def test_all_points_are_in_view(view, name):
    view.show_problem(SurfaceConfig(name=name))
    (x0, x1), (y0, y1) = view._box.viewRange()
    for x, y, *_ in view.points.rows:
        assert x0 < x < x1
        assert y0 < y < y1


def test_a_point_that_comes_from_elsewhere_is_brought_in_view(view):
    config = SurfaceConfig(name="LinearRegression")
    points = config.values["points"]
    view.show_problem(config)
    before = view._box.viewRange()
    view.show_problem(SurfaceConfig.parse({"name": "LinearRegression", "points": [*points, (1.0, 1.0)]}))
    assert view._box.viewRange() == before
    view.show_problem(SurfaceConfig.parse({"name": "LinearRegression", "points": [*points, (90.0, 1.0)]}))
    assert view._box.viewRange()[0][1] > 90


# What is drawn for a position


def test_the_fitted_line_has_the_slope_and_height_of_the_racer(view):
    frame = show(view, {"name": "LinearRegression"}, step=5)
    for place, identity in enumerate(frame.ids):
        w, b = frame.paths[place, 5]
        ends = line_of(view, identity)
        np.testing.assert_allclose(ends[:, 1], w * ends[:, 0] + b, rtol=1e-9, atol=1e-9)
        (x0, x1), (y0, y1) = view._box.viewRange()
        for x, y in ends:
            assert not (x0 < x < x1 and y0 < y < y1), "it crosses the whole view"
    w, b = frame.paths[0, 5]
    sign = "+" if b >= 0 else "−"
    assert view.words.text().replace("= −", "= -") == f"Fitted line: v = {w:.3g} u {sign} {abs(b):.3g}"


def test_residuals_are_those_of_the_selected_racer(view):
    frame = show(view, {"name": "LinearRegression"}, step=5)
    for selected, place in ((None, 0), (7, 1)):
        view.select(selected)
        w, b = frame.paths[place, 5]
        u, v = np.array(frame.config.surface.values["points"]).T
        x, y = view._picture.residuals.getData()
        np.testing.assert_allclose(x, u.repeat(2))
        np.testing.assert_allclose(y[::2], v)
        np.testing.assert_allclose(y[1::2], w * u + b)


def test_hidden_racers_have_no_line(view):
    frame = race({"name": "LinearRegression"})
    view.show_problem(frame.config.surface)
    view.show_race(frame, {4: False}, 3)
    assert set(view._picture.lines.items) == {7}
    view.show_race(frame, {4: False, 7: False}, 3)
    assert not view._picture.lines.items
    assert not view._picture.residuals.isVisible()
    assert "Drag a point" in view.words.text()


def test_the_decision_line_is_where_the_classes_are_equally_likely(view):
    frame = show(view, {"name": "LogisticRegression"}, step=9)
    for place, identity in enumerate(frame.ids):
        np.testing.assert_allclose(line_of(view, identity) @ frame.paths[place, 9], 0, atol=1e-9)
    data = np.array(frame.config.surface.values["points"])
    right = sum(np.sign(data[:, :2] @ frame.paths[0, 9]) == data[:, 2])
    assert view.words.text().endswith(f"= 0, {right} of 12 points right")


def test_the_shading_is_the_sigmoid(view):
    frame = show(view, {"name": "LogisticRegression"}, step=9)
    w = frame.paths[0, 9]
    gradient = view._picture.shade.brush().gradient()
    start, end = (np.array([p.x(), p.y()]) for p in (gradient.start(), gradient.finalStop()))
    most = max(colour.alphaF() for _, colour in gradient.stops())
    for share, colour in gradient.stops():
        at = start + share * (end - start)
        sure = abs(2 / (1 + math.exp(-w @ at)) - 1)
        assert colour.alphaF() / most == pytest.approx(sure, abs=0.02)
    assert gradient.stops()[0][1].name() != gradient.stops()[-1][1].name()


def test_the_two_classes_differ_in_marker_and_colour(view):
    view.show_problem(SurfaceConfig(name="LogisticRegression"))
    looks = {}
    for spot, (*_, label) in zip(view.points.points(), view.points.rows, strict=True):
        looks.setdefault(label, set()).add((spot.symbol(), spot.brush().color().name()))
    assert all(len(look) == 1 for look in looks.values())
    ((one, colour),), ((other, another),) = looks[1.0], looks[-1.0]
    assert one != other
    assert colour != another


# With b = 0 the shortest w is (1, 0): margins at u₁ = ±1, touched by (1, 0) and (-1, 2).
MARGIN = {
    "name": "SVM",
    "points": [[1.0, 0.0, 1.0], [3.0, 1.0, 1.0], [-1.0, 2.0, -1.0], [-2.0, 0.0, -1.0]],
    "b": 0.0,
}


def test_the_margin_is_where_the_constraints_are_equalities(view):
    frame = show(view, {**MARGIN, "b": 0.25}, step=4)
    for place, identity in enumerate(frame.ids):
        w = frame.paths[place, 4]
        np.testing.assert_allclose(line_of(view, identity) @ w, 0.25, atol=1e-9)
        edges = np.column_stack(view._picture.edges.items[identity].getData())
        np.testing.assert_allclose(edges @ w - 0.25, [-1, -1, 1, 1], atol=1e-9)


def test_support_vectors_are_ringed_and_the_width_is_said(view):
    frame = show(view, MARGIN, steps=3000, racers=[{"optimizer": {"name": "SGD", "lr": 0.05}}])
    w = frame.paths[0, -1]
    np.testing.assert_allclose(w, [1.0, 0.0], atol=1e-9)
    ringed = {(spot.pos().x(), spot.pos().y()) for spot in view._picture.support.points()}
    assert ringed == {(1.0, 0.0), (-1.0, 2.0)}
    assert view.words.text() == f"Margin {2 / math.hypot(*w):.3g}, 2 support vectors"


def test_violated_points_are_marked(view):
    frame = race(MARGIN)
    moved = {**MARGIN, "points": [*MARGIN["points"], [-3.0, 0.0, 1.0]]}
    view.show_problem(SurfaceConfig.parse(moved))
    view.show_race(frame, {}, 5)
    marked = [(spot.pos().x(), spot.pos().y()) for spot in view._picture.violated.points()]
    assert (-3.0, 0.0) in marked
    assert view.words.text().endswith(f"{len(marked)} violated")


def test_level_lines_and_the_arrow_follow_c(view):
    surface = {"name": "LinearProgram", "direction": 30.0}
    frame = show(view, surface, step=0, start=[0.5, 0.5])
    c = np.array([math.cos(math.pi / 6), 0.5])
    np.testing.assert_allclose(line_of(view, 4) @ c, 0.5 * c.sum(), atol=1e-9)
    levels = np.column_stack(view._picture.levels.getData()) @ c
    np.testing.assert_allclose(levels[::2], levels[1::2], atol=1e-9)
    x, y = view._picture.arrow.getData()
    along = np.array([x[1] - x[0], y[1] - y[0]])
    np.testing.assert_allclose(along / np.hypot(*along), -c, atol=1e-9)
    assert view.words.text() == f"c · x = {0.5 * c.sum():.3g}, inside"
    assert frame.config.surface.name == "LinearProgram"


def test_active_edges_and_vertices_are_marked(view):
    square = [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]
    surface = {"name": "LinearProgram", "points": square, "direction": 90.0}
    racers = [{"optimizer": {"name": "SGD", "lr": 0.2}}]
    frame = show(view, surface, steps=20, racers=racers, start=[0.5, 1.5])
    np.testing.assert_allclose(frame.paths[0, -1], [0.5, 0.0], atol=1e-9)
    edge = np.column_stack(view._picture.active.getData())
    np.testing.assert_allclose(sorted(edge.tolist()), [[0, 0], [2, 0]])
    assert view.words.text().endswith("on an edge")
    show(view, {**surface, "direction": 45.0}, steps=40, racers=racers, start=[0.5, 1.5])
    assert len(view._picture.active.getData()[0]) == 4, "both edges of the vertex"
    (corner,) = view._picture.corner.points()
    assert (corner.pos().x(), corner.pos().y()) == (0.0, 0.0)
    assert view.words.text().endswith("at a vertex")


# What the hands do


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_dragged_point_is_emitted_where_it_is_let_go(view, said, name):
    config = SurfaceConfig(name=name)
    view.show_problem(config)
    points = config.values["points"]
    x, y, *label = points[2]
    pixel = max(view._box.viewPixelSize())
    drag(view.plot, (x, y), (x - 0.4, y + 0.3))
    *on_the_way, (last, ended) = said
    assert ended
    assert on_the_way
    assert not any(end for _, end in on_the_way)
    assert last[:2] == points[:2]
    assert last[3:] == points[3:]
    assert last[2] == (pytest.approx(x - 0.4, abs=pixel), pytest.approx(y + 0.3, abs=pixel), *label)
    assert SurfaceConfig.parse({**config.values, "name": name, "points": last}).values["points"] == last


def test_during_a_drag_the_point_stays_under_the_hand(view):
    config = SurfaceConfig(name="LinearRegression")
    view.show_problem(config)
    shown = []

    def answer(points, ended):
        view.show_problem(config)  # somebody still has the old points
        shown.append((view.points.rows == points, ended))

    view.points_changed.connect(answer)
    drag(view.plot, config.values["points"][0], (1.0, 1.0))
    assert all(same for same, ended in shown if not ended)
    assert view.points.rows == config.values["points"], "after the drag, what the problem has holds"


def test_a_drag_beside_the_points_moves_the_view(view, said):
    view.show_problem(SurfaceConfig(name="SVM"))
    before = view._box.viewRange()
    drag(view.plot, (0.4, 2.0), (0.9, 2.5))
    assert not said
    assert view._box.viewRange() != before
    view.fit_button.click()
    assert np.allclose(view._box.viewRange(), before)


def test_a_double_click_adds_a_point_and_the_toggle_its_label(view, said):
    view.show_problem(SurfaceConfig(name="SVM"))
    pixel = max(view._box.viewPixelSize())
    for label in (1.0, -1.0):
        double_click(view.plot, 0.5, 2.0)
        points, ended = said[-1]
        assert ended
        assert points[:-1] == view.points.rows
        assert points[-1] == (pytest.approx(0.5, abs=pixel), pytest.approx(2.0, abs=pixel), label)
        view.label_button.click()
    view.show_problem(SurfaceConfig(name="LinearRegression"))
    assert not view.label_button.isVisible()
    double_click(view.plot, 0.5, 2.5)
    assert len(said[-1][0][-1]) == 2


def test_a_right_click_or_delete_removes_a_point(view, said):
    config = SurfaceConfig(name="LinearRegression")
    view.show_problem(config)
    points = config.values["points"]
    click(view.plot, *points[3], RIGHT)
    assert said == [((*points[:3], *points[4:]), True)]
    QTest.keyClick(view.plot, Qt.Key.Key_Delete)
    assert len(said) == 1, "none is chosen"
    click(view.plot, *points[1])
    QTest.keyClick(view.plot, Qt.Key.Key_Delete)
    assert said[1:] == [((points[0], *points[2:]), True)]


def test_keys_choose_move_and_add_points(view, said):
    config = SurfaceConfig(name="LinearRegression")
    view.show_problem(config)
    points = config.values["points"]
    width, height = view._box.viewPixelSize()
    QTest.keyClick(view.plot, Qt.Key.Key_PageDown)
    QTest.keyClick(view.plot, Qt.Key.Key_PageDown)
    assert view.points.chosen == 1
    QTest.keyClick(view.plot, Qt.Key.Key_Right)
    QTest.keyClick(view.plot, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    u, v = points[1]
    assert [ended for _, ended in said] == [False, True, False, True]
    assert said[-1][0][1] == pytest.approx((u + width, v - 10 * height))
    QTest.keyClick(view.plot, Qt.Key.Key_PageUp)
    QTest.keyClick(view.plot, Qt.Key.Key_PageUp)
    assert view.points.chosen == len(points) - 1
    QTest.keyClick(view.plot, Qt.Key.Key_Insert)
    assert len(said[-1][0]) == len(points) + 1
    QTest.keyClick(view.plot, Qt.Key.Key_Escape)
    assert view.points.chosen is None
    view.fit()
    before = view._box.viewRange()
    view._box.setXRange(0, 0.1)
    QTest.keyClick(view.plot, Qt.Key.Key_Home)
    assert np.allclose(view._box.viewRange(), before)


def test_the_problems_button_says_what_it_changes_or_why_it_cannot(qtbot, view):
    view.show_problem(SurfaceConfig.parse(MARGIN))
    (button,) = view._actions
    with qtbot.waitSignal(view.acted) as caught:
        button.click()
    assert set(caught.args[0]) == {"b"}
    mixed = [[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [1.0, 0.0, -1.0]]
    view.show_problem(SurfaceConfig.parse({"name": "SVM", "points": mixed}))
    with qtbot.waitSignal(view.said) as caught:
        button.click()
    assert caught.args[0].startswith("No line separates")
    view.show_problem(SurfaceConfig(name="LinearProgram"))
    assert not view._actions


# Its looks


def test_every_control_can_be_reached_and_has_a_name(view):
    view.show_problem(SurfaceConfig(name="SVM"))
    for button in view.findChildren(QAbstractButton):
        assert button.accessibleName()
        assert button.toolTip()
        assert button.objectName().startswith("surface.data.")
        assert button.focusPolicy() == Qt.FocusPolicy.StrongFocus


@pytest.mark.parametrize("name", PROBLEMS)
def test_it_follows_the_look_and_draws_racers_anywhere(view, name):
    frame = show(view, {"name": name})
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, theme.DARK.window)
    view.setPalette(palette)
    assert view.plot.backgroundBrush().color().name().upper() == theme.DARK.plot
    pen = view._picture.lines.items[4].opts["pen"]
    assert pen.color().name().upper() == theme.DARK.series[4]
    for place in (0.0, 1e-320, 1e8, -1e200, 1.7e308):
        far = np.full_like(frame.paths, place)
        view.show_race(type(frame)(**{**vars(frame), "paths": far}), {}, 3)
        view.grab()
