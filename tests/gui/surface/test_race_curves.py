"""The curves of a race: whose numbers they draw, and when."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from optgui.gui.plot.curve_canvas import Head
from optgui.gui.surface.race_curves import RaceCurves, called
from tests.gui.surface.races import DIVERGING, RACERS, run, shown


@pytest.fixture
def curves(qtbot):
    made = RaceCurves()
    qtbot.addWidget(made)
    made.resize(800, 320)
    made.show()
    return made


def drawn(view, identity):
    return view.lines[str(identity)].series.y


def pixel(view, x):
    plot = view.canvas.plotItem.vb.sceneBoundingRect()
    x0, x1 = view.x_range
    return QPoint(round(plot.left() + (x - x0) / (x1 - x0) * plot.width()), round(plot.center().y()))


def test_every_tab_draws_its_numbers_of_the_frame(curves):
    frame = run()
    curves.show_race(frame, shown(frame), 20)
    away = np.hypot(*(frame.paths - np.array(frame.minima[0])).transpose(2, 0, 1))
    for title, view, values in (
        ("Loss", curves.loss, frame.losses),
        ("Gradient", curves.gradient, frame.measures),
        ("Distance", curves.distance, away),
    ):
        curves.show_page(title)
        for place, identity in enumerate(frame.ids):
            np.testing.assert_allclose(drawn(view, identity), values[place], rtol=1e-15)
            assert view.lines[str(identity)].series.x.tolist() == list(range(61))
            assert view.lines[str(identity)].label == called(frame.config.racers[place])
        assert view.head == 20


def test_the_rates_stand_beside_the_loss_when_a_schedule_moves_them(curves):
    plain = run()
    curves.show_race(plain, shown(plain), 20)
    assert curves.rate.isHidden()
    scheduled = run(racers=[{"optimizer": {"name": "SGD", "lr": 0.001}, "scheduler": {"name": "StepLR"}}])
    curves.show_race(scheduled, shown(scheduled), 20)
    assert curves.loss.isVisible()
    assert curves.rate.isVisible()
    np.testing.assert_allclose(drawn(curves.rate, 0), scheduled.lrs[0], rtol=1e-15)
    assert curves.rate.head == 20


def test_only_the_tab_that_is_seen_is_filled(curves):
    frame = run()
    curves.show_race(frame, shown(frame), 0)
    assert len(drawn(curves.loss, 0)) == 61
    assert len(drawn(curves.gradient, 0)) == 0
    curves.show_page("Gradient")
    assert len(drawn(curves.gradient, 0)) == 61


def test_scrubbing_draws_no_line_again(curves):
    frame = run()
    curves.show_race(frame, shown(frame), 0)
    before = {key: line.drawn for key, line in curves.loss.lines.items()}
    for step in range(1, 61):
        curves.show_race(frame, shown(frame), step)
    assert all(curves.loss.lines[key].drawn is points for key, points in before.items())
    assert curves.loss.head == 60


def test_the_head_stands_at_its_step_and_moves_with_the_zoom(curves):
    frame = run()
    curves.show_race(frame, shown(frame), 45)
    QApplication.processEvents()
    head = curves.loss.canvas.findChild(Head)
    assert head.isVisible()
    assert abs(head.geometry().center().x() - pixel(curves.loss, 45).x()) <= 1
    curves.loss.set_cursor(40.0)
    curves.loss.zoom(0.5)
    assert abs(head.geometry().center().x() - pixel(curves.loss, 45).x()) <= 1
    curves.show_race(frame, shown(frame), 2)
    assert not head.isVisible()


def test_another_frame_replaces_all_lines(curves):
    first, second = run(taken=60), run(taken=10)
    curves.show_race(first, shown(first), 60)
    curves.show_race(second, shown(second), 5)
    assert drawn(curves.loss, 4).tolist() == second.losses[2].tolist()
    assert curves.loss.x_range == (0.0, 60.0)


def test_other_racers_get_other_lines(curves):
    first, second = run(), run(racers=RACERS[1:])
    curves.show_race(first, shown(first), 1)
    curves.show_race(second, shown(second), 1)
    assert list(curves.loss.lines) == ["1", "4"]


def test_hidden_racers_are_not_drawn(curves):
    frame = run()
    curves.show_race(frame, shown(frame, 1), 1)
    assert [line.shown for line in curves.loss.lines.values()] == [True, False, True]
    curves.show_race(frame, shown(frame), 1)
    assert all(line.shown for line in curves.loss.lines.values())


def test_a_line_ends_where_its_racer_diverged(curves):
    frame = run(racers=(*RACERS, DIVERGING))
    curves.show_race(frame, shown(frame), 60)
    stop = frame.diverged[3]
    assert len(drawn(curves.loss, 2)) == stop
    assert np.isfinite(drawn(curves.loss, 2)).all()


def test_losses_of_known_minima_at_zero_are_drawn_on_a_log_axis(curves):
    frame = run("Rosenbrock")
    curves.show_race(frame, shown(frame), 1)
    assert curves.loss.log
    assert curves.loss.y_label == "f(x, y)"


def test_losses_below_zero_are_drawn_above_the_lowest(curves):
    frame = run("Easom")  # f* = -1 at (pi, pi)
    curves.show_race(frame, shown(frame), 1)
    assert curves.loss.log
    assert curves.loss.y_label == "f − f*"
    np.testing.assert_allclose(drawn(curves.loss, 0), frame.losses[0] + 1.0)


def test_without_a_known_minimum_losses_are_linear_and_distance_says_so(curves):
    frame = run({"name": "Formula", "text": "x**2 - y"})
    curves.show_race(frame, shown(frame), 1)
    assert not curves.loss.log
    curves.show_page("Distance")
    assert curves.distance.hint == "No minimum is known"


def test_a_function_of_x_alone_has_a_distance_along_x(curves):
    frame = run("DoubleWell")
    assert frame.config.surface.entry.dimension == 1
    curves.show_race(frame, shown(frame), 1)
    curves.show_page("Distance")
    nearest = np.min([np.abs(frame.paths[0, :, 0] - x) for x, _ in frame.minima], axis=0)
    np.testing.assert_allclose(drawn(curves.distance, 0), nearest)
    assert curves.loss.y_label in ("f(x)", "f − f*")


def test_inside_a_feasible_set_the_gradient_is_the_projected_one(curves):
    frame = run(constraint={"name": "Ball", "radius": 1.0}, start=[0.5, 0.5])
    curves.show_race(frame, shown(frame), 1)
    assert curves.gradient.y_label == "projected gradient"
    frame = run()
    curves.show_race(frame, shown(frame), 1)
    assert curves.gradient.y_label == "gradient norm"


def test_a_click_asks_for_the_step_and_a_drag_does_not(curves, qtbot):
    frame = run()
    curves.show_race(frame, shown(frame), 10)
    viewport, asked = curves.loss.canvas.viewport(), []
    curves.wanted.connect(asked.append)
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=pixel(curves.loss, 30))
    assert asked == [30]
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=pixel(curves.loss, 30))
    QTest.mouseMove(viewport, pixel(curves.loss, 50))
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=pixel(curves.loss, 50))
    assert asked == [30]


def test_return_asks_for_the_step_under_the_cursor(curves):
    frame = run(taken=30)
    curves.show_race(frame, shown(frame), 10)
    asked = []
    curves.wanted.connect(asked.append)
    curves.loss.set_cursor(12.2)
    QTest.keyClick(curves.loss.canvas, Qt.Key.Key_Return)
    curves.loss.set_cursor(55.0)
    QTest.keyClick(curves.loss.canvas, Qt.Key.Key_Return)
    assert asked == [12, 30]


def test_moving_the_head_does_not_disturb_what_is_read(curves):
    frame = run()
    curves.show_race(frame, shown(frame), 10)
    curves.loss.set_cursor(30.0)
    read = curves.loss.readings()
    curves.show_race(frame, shown(frame), 11)
    assert curves.loss.cursor == 30.0
    assert curves.loss.readings() == read


def test_copy_is_offered_beside_the_numbers_alone(curves):
    assert not curves.finals.copy_button.isVisible()
    curves.show_page("Finals")
    assert curves.finals.copy_button.isVisible()
    curves.show_page("Loss")
    assert not curves.finals.copy_button.isVisible()


def test_tabs_are_reached_with_the_keyboard(curves):
    curves.tabs.setFocus()
    QTest.keyClick(curves.tabs, Qt.Key.Key_Right)
    assert curves.tabs.tabText(curves.tabs.currentIndex()) == "Gradient"
    assert curves.gradient.isVisible()
    QApplication.processEvents()


def test_a_racer_is_called_by_number_optimizer_and_momentum():
    assert [called(racer) for racer in run(taken=0).config.racers] == ["1 SGD", "2 SGD 0.9", "5 Adam"]
