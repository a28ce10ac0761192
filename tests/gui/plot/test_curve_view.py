import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QPalette, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication

from optgui.gui import theme
from optgui.gui.plot.curve_canvas import named_of
from optgui.gui.plot.curve_view import CurveView


@pytest.fixture
def view(qtbot):
    view = CurveView("Loss", "cross-entropy", object_name="training.loss")
    view.add_line("loss", "mini-batch", 0)
    qtbot.addWidget(view)
    view.resize(700, 300)
    view.show()
    qtbot.waitUntil(lambda: view.canvas.paints > 0)
    return view


def settle():
    for _ in range(3):
        QApplication.processEvents()


def wheel(view, x, delta=480):
    """Turn the wheel over data place x, as a person does who sees what was drawn."""
    settle()
    viewport = view.canvas.viewport()
    place = QPointF(pixel(view, x))
    QApplication.sendEvent(
        viewport,
        QWheelEvent(
            place,
            QPointF(viewport.mapToGlobal(place.toPoint())),
            QPoint(),
            QPoint(0, delta),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


def pixel(view, x):
    plot = view.canvas.plotItem.vb.sceneBoundingRect()
    x0, x1 = view.x_range
    return QPoint(round(plot.left() + (x - x0) / (x1 - x0) * plot.width()), round(plot.center().y()))


def colours_in(view, rect=None):
    image = view.grab().toImage()
    rect = rect or image.rect()
    xs, ys = range(rect.left(), rect.right()), range(rect.top(), rect.bottom())
    return {image.pixelColor(x, y).name() for x in xs for y in ys}


def texts(view):
    return [" ".join((words, value)).strip() for _, words, value in view.readings()]


def test_zoomed_range_is_the_users(view):
    view.set_span(2_000)
    view.extend("loss", np.arange(1_000), np.linspace(2, 1, 1_000))
    view.refresh()
    wheel(view, 500)
    zoomed = view.x_range
    assert zoomed[1] - zoomed[0] < 1_500
    view.extend("loss", np.arange(1_000, 9_000), np.ones(8_000))
    view.refresh()
    view.set_span(20_000)
    assert view.x_range == zoomed


@pytest.mark.parametrize("how", ["button", "key", "double click"])
def test_fit_returns_to_the_whole_run(view, how):
    view.set_span(2_000)
    view.extend("loss", np.arange(1_000), np.linspace(2, 1, 1_000))
    view.refresh()
    assert not view.fit_button.isEnabled()
    wheel(view, 500)
    assert view.fit_button.isEnabled()
    if how == "button":
        QTest.mouseClick(view.fit_button, Qt.MouseButton.LeftButton)
    elif how == "key":
        QTest.keyClick(view.canvas, Qt.Key.Key_F)
    else:
        QTest.mouseDClick(view.canvas.viewport(), Qt.MouseButton.LeftButton, pos=pixel(view, 500))
    assert view.x_range == (0.0, 2_000.0)
    assert not view.fit_button.isEnabled()


def test_y_follows_what_is_seen(view):
    x = np.arange(2_000)
    view.set_span(2_000)
    view.extend("loss", x, np.where(x < 100, 1_000.0, 1.0 + np.sin(x)))
    view.refresh()
    assert view.y_range[1] > 1_000
    for _ in range(5):
        wheel(view, 1_500)
    assert view.y_range[1] < 3


def test_zooming_out_stays_in_the_run(view):
    view.set_span(100)
    view.extend("loss", np.arange(100), np.arange(100.0))
    view.refresh()
    wheel(view, 50, -4_800)
    assert view.x_range == (0.0, 100.0)


def test_span_fixes_the_range_from_the_start(view):
    view.set_span(5_000)
    for start in range(0, 4_000, 500):
        view.extend("loss", np.arange(start, start + 500), np.ones(500))
        view.refresh()
        assert view.x_range == (0.0, 5_000.0)


def test_without_span_the_range_grows_in_rare_jumps(view):
    ranges = set()
    for start in range(0, 10_000, 20):
        view.extend("loss", np.arange(start, start + 20), np.full(20, 1.0 + start))
        view.refresh()
        ranges.add((view.x_range, view.y_range))
        assert view.x_range[1] >= start + 19
        assert view.y_range[0] <= 1.0 <= 1.0 + start <= view.y_range[1]
    assert len(ranges) < 60


@pytest.mark.parametrize("smoothed", [False, True])
def test_a_million_records_are_drawn_with_two_thousand_points(view, smoothed):
    size = 1_000_000
    view.add_line("long", "long", 1, smoothed=smoothed)
    view.extend("long", np.arange(size), np.random.default_rng(0).standard_normal(size))
    view.refresh()
    for item in view.lines["long"].items:
        assert 500 < len(item.getData()[0]) <= 2_100


def test_only_lines_that_changed_are_drawn_again(view):
    view.add_line("other", "other", 1)
    view.set_span(100)
    for key in ("loss", "other"):
        view.extend(key, [0, 1], [1.0, 2.0])
    view.refresh()
    drawn = {key: line.drawn for key, line in view.lines.items()}
    view.extend("other", [2], [1.5])
    view.refresh()
    assert view.lines["loss"].drawn is drawn["loss"]
    assert view.lines["other"].drawn[0].tolist() == [0.0, 1.0, 2.0]


def test_nothing_new_paints_nothing(view):
    view.set_span(100)
    view.extend("loss", [0, 1], [1.0, 2.0])
    view.refresh()
    settle()
    before = view.canvas.paints
    view.extend("loss", [], [])
    view.refresh()
    view.set_span(100)
    view.set_line_visible("loss", True)
    settle()
    assert view.canvas.paints == before


def test_hidden_view_catches_up_when_it_is_shown(view):
    view.hide()
    view.extend("loss", [0, 1], [1.0, 2.0])
    view.refresh()
    assert len(view.lines["loss"].drawn[0]) == 0
    view.show()
    assert view.lines["loss"].drawn[1].tolist() == [1.0, 2.0]


def test_log_axis_drops_what_is_not_positive(view):
    view.extend("loss", np.arange(6), [10.0, 0.0, -5.0, 1e-3, np.nan, np.inf])
    QTest.mouseClick(view.log_button, Qt.MouseButton.LeftButton)
    x, y = view.lines["loss"].drawn
    assert x.tolist() == [0.0, 3.0]
    assert y == pytest.approx([1.0, -3.0])
    assert view.y_range[0] < -3 < 1 < view.y_range[1]
    QTest.mouseClick(view.log_button, Qt.MouseButton.LeftButton)
    assert view.lines["loss"].drawn[1].tolist() == [10.0, 0.0, -5.0, 1e-3]


def test_log_axis_says_when_it_can_draw_nothing(view):
    view.extend("loss", [0, 1], [-1.0, 0.0])
    view.set_log(True)
    assert "Log" in view.hint
    view.set_log(False)
    assert view.hint == ""


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("peak", [1e30, 1.7e308, 1e-300])
def test_any_number_can_be_drawn(view, peak, log):
    view.extend("loss", np.arange(4), [1.0, peak, -peak, 2.0])
    view.set_log(log)
    view.set_cursor(1.0)
    view.refresh()
    assert np.isfinite(view.y_range).all()
    assert not view.grab().isNull()


def test_hint_disappears_with_the_first_number(view):
    view.set_hint("Press Start: the loss appears here")
    settle()
    assert view.hint == "Press Start: the loss appears here"
    middle = view.canvas.plotItem.vb.sceneBoundingRect().toRect().adjusted(150, 90, -150, -90)
    written = len(colours_in(view, middle))
    view.extend("loss", [0, 1], [1.0, 0.0])
    view.refresh()
    assert view.hint == ""
    assert len(colours_in(view, middle)) < written
    view.clear()
    assert view.hint


def test_marks_are_read_in_full_on_hover(view):
    view.set_span(1_000)
    view.extend("loss", np.arange(1_000), np.ones(1_000))
    view.refresh()
    for x in range(400, 440):
        view.mark(x, f"lr 0.1 → 0.{x}")
    view.mark(800, "momentum 0.9 → 0.99")
    QTest.mouseMove(view.canvas.viewport(), pixel(view, 800))
    settle()
    assert view.marks_near_cursor() == ["momentum 0.9 → 0.99"]
    assert texts(view)[0] == "momentum 0.9 → 0.99"
    QTest.mouseMove(view.canvas.viewport(), pixel(view, 420))
    settle()
    assert "lr 0.1 → 0.420" in view.marks_near_cursor()
    QTest.mouseMove(view.canvas.viewport(), pixel(view, 600))
    settle()
    assert view.marks_near_cursor() == []


def test_a_mark_paints_a_line_where_it_stands(view):
    view.set_span(1_000)
    view.extend("loss", [0, 1], [1.0, 1.0])
    view.refresh()
    settle()
    place = view.canvas.plotItem.vb.sceneBoundingRect().toRect()
    place.setLeft(pixel(view, 550).x() - 2)
    place.setWidth(5)
    muted = theme.colours(view).muted.lower()
    assert muted not in colours_in(view, place)
    view.mark(550, "lr 0.1 → 0.03")
    assert muted in colours_in(view, place)


def test_hover_reads_the_exact_values_of_all_visible_lines(view):
    view.set_span(100)
    view.unit = "%"
    view.add_line("test", "test", 3, marker=True)
    view.add_line("hidden", "hidden", 4)
    view.extend("loss", np.arange(100), np.arange(100) / 7)
    view.extend("test", [0, 50], [1.0, 12_345.678])
    view.extend("hidden", [0], [1.0])
    view.set_line_visible("hidden", False)
    view.refresh()
    assert view.readings() == []
    QTest.mouseMove(view.canvas.viewport(), pixel(view, 40))
    settle()
    assert texts(view) == ["step 40", "mini-batch 5.71429 %", "test at 50 12,345.7 %"]
    exact = dict((words, value) for _, words, value in view.readings(repr))
    assert exact["mini-batch"] == f"{40 / 7!r} %"
    QApplication.sendEvent(view.canvas, QEvent(QEvent.Type.Leave))
    assert view.readings() == []


def test_the_description_has_every_digit(view):
    view.extend("loss", [0, 1], [1 / 3, 1 / 7])
    view.refresh()
    assert repr(1 / 7) in view.accessibleDescription()


@pytest.mark.parametrize(
    ("lines", "rows", "named"), [(3, 5, 3), (5, 5, 5), (6, 5, 4), (24, 10, 9), (24, 1, 0), (1, 0, 1)]
)
def test_names_that_do_not_fit_leave_a_row_to_count_them(lines, rows, named):
    assert named_of(lines, rows) == named


def test_more_lines_than_names_fit_are_drawn(view):
    for number in range(60):
        view.add_line(f"l{number}", f"line {number}", number)
        view.extend(f"l{number}", [0, 1], [number, number])
    view.refresh()
    assert not view.grab().isNull()


def test_keyboard_moves_the_cursor_and_zooms(view):
    view.set_span(1_000)
    view.extend("loss", np.arange(1_000), np.ones(1_000))
    view.refresh()
    QTest.keyClick(view.canvas, Qt.Key.Key_Right)
    right = view.cursor
    QTest.keyClick(view.canvas, Qt.Key.Key_Left)
    assert view.cursor < right
    QTest.keyClick(view.canvas, Qt.Key.Key_Plus)
    assert view.x_range[1] - view.x_range[0] < 1_000
    QTest.keyClick(view.canvas, Qt.Key.Key_Escape)
    assert view.cursor is None


def test_smoothing_draws_the_average_over_pale_values(view):
    assert view.smooth_button.isHidden()
    view.add_line("soft", "soft", 1, smoothed=True)
    assert not view.smooth_button.isHidden()
    view.extend("soft", np.arange(50), np.random.default_rng(0).random(50))
    view.refresh()
    line = view.lines["soft"]
    assert np.array_equal(line.drawn[1], line.series.smoothed)
    assert line.sharp.opts["pen"].color() != view.line_pen(line).color()
    QTest.mouseClick(view.smooth_button, Qt.MouseButton.LeftButton)
    assert np.array_equal(line.drawn[1], line.series.y)
    assert line.sharp.opts["pen"].color() == view.line_pen(line).color()
    assert not line.soft.isVisible()


def test_theme_change_recolours_everything(view):
    view.set_span(10)
    view.extend("loss", np.arange(11), np.linspace(1, 2, 11))
    view.refresh()
    for tokens in (theme.DARK, theme.LIGHT):
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Window, QColor(tokens.window))
        view.setPalette(palette)
        settle()
        seen = colours_in(view)
        assert {tokens.plot.lower(), tokens.series[0].lower(), tokens.rule.lower()} <= seen
        other = theme.LIGHT if tokens is theme.DARK else theme.DARK
        assert other.series[0].lower() not in seen


def test_hidden_line_is_neither_drawn_nor_in_the_range(view):
    view.add_line("big", "big", 1)
    view.extend("loss", [0, 1], [1.0, 2.0])
    view.extend("big", [0, 1], [1e6, 2e6])
    view.set_line_visible("big", False)
    view.fit()
    assert view.y_range[1] < 10
    view.set_line_visible("big", True)
    view.refresh()
    assert view.y_range[1] > 2e6


@pytest.mark.parametrize("level", [0.02, 0.5, 0.98])
def test_words_of_marks_hide_no_line(view, level):
    view.extend("loss", range(401), [0.0, *[level] * 399, 1.0])
    view.set_span(1000)
    view.refresh()
    settle()
    drawn = theme.racer_colour(0, view).name()

    def columns():
        image = view.grab().toImage()
        left, right = pixel(view, 10).x(), pixel(view, 390).x()
        rows = range(image.height())
        return {x for x in range(left, right) if any(image.pixelColor(x, y).name() == drawn for y in rows)}

    before = columns()
    for x in (100, 110, 120, 130):  # too near to each other for one row of words
        view.mark(x, f"momentum 0.9 → 0.{x}")
    settle()
    assert len(before - columns()) <= 4  # the dotted lines alone


def test_clear_forgets_numbers_marks_and_zoom_and_keeps_the_lines(view):
    view.set_span(500)
    view.extend("loss", np.arange(400), np.ones(400))
    view.refresh()
    view.mark(3, "lr")
    wheel(view, 200)
    view.clear()
    assert (view.summary(), view.marks, view.x_range) == ({}, [], (0.0, 500.0))
    view.extend("loss", [0], [4.0])
    assert view.summary() == {"loss": (0.0, 4.0)}


def test_removed_line_leaves_nothing_behind(view):
    view.extend("loss", [0], [1.0])
    scene = view.canvas.scene()
    before = len(scene.items())
    view.remove_line("loss")
    view.remove_line("never there")
    assert view.summary() == {}
    assert len(scene.items()) == before - 1


def test_screen_reader_hears_the_latest_values(view, qtbot):
    view.extend("loss", [7], [0.25])
    view.refresh()
    assert view.accessibleName() == "Loss"
    assert view.accessibleDescription() == "mini-batch 0.25 at step 7"
    view.extend("loss", [8], [0.125])
    view.refresh()
    assert view.accessibleDescription().endswith("step 7")
    qtbot.waitUntil(lambda: view.accessibleDescription() == "mini-batch 0.125 at step 8", timeout=3_000)


def test_every_button_has_a_name_and_a_tooltip(view):
    buttons = view.findChildren(QAbstractButton)
    assert {button.objectName() for button in buttons} == {
        "training.loss.fit",
        "training.loss.smooth",
        "training.loss.log",
    }
    assert all(button.accessibleName().startswith("Loss") and button.toolTip() for button in buttons)
