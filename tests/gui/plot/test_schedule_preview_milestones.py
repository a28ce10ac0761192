"""Milestones dragged, added and removed on the curve of their schedule; the present step; what is said."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from optgui.core.schedulers import SchedulerConfig, curve
from optgui.core.training import TrainingConfig
from optgui.gui.form.param_form import ParamForm
from optgui.gui.form.widgets import Remark
from optgui.gui.plot.milestones import Milestones
from optgui.gui.plot.schedule_preview import TALL, SchedulePreview

STEPS = 50  # of an epoch
FIELD = "scheduler.milestones"


def milestones(values, steps_per_epoch=STEPS, epochs=10, **more):
    schedule = {"name": "MultiStepLR", "milestones": values, **more}
    return Milestones.of(SchedulerConfig.parse(schedule), steps_per_epoch, epochs)


@pytest.fixture
def make(qtbot):
    def build(epochs=10, optimizer="SGD", **schedule):
        schedule = {"name": "MultiStepLR", "milestones": (3, 6), **schedule}
        config = TrainingConfig.parse({"scheduler": schedule, "epochs": epochs, "optimizer": optimizer})
        previews = {
            SchedulerConfig: lambda: SchedulePreview(
                lambda config: (STEPS, config.epochs), base_lr=lambda config: config.optimizer.lr, height=TALL
            )
        }
        form = ParamForm(config, "training", previews=previews)
        form.heard = []
        form.edited.connect(lambda config, path: form.heard.append("edited"))
        form.settled.connect(lambda config, path: form.heard.append("settled"))
        qtbot.addWidget(form)
        form.resize(344, 900)
        form.show()
        return form

    return build


def preview_of(form):
    return form.findChild(SchedulePreview)


def spot(preview, epoch):
    """The point above the plot at an epoch."""
    return QPoint(preview._place(round(epoch * STEPS)), 8)


def drag(preview, start, *ways, release=True):
    QTest.mousePress(preview, Qt.MouseButton.LeftButton, pos=spot(preview, start))
    for way in ways:
        QTest.mouseMove(preview, spot(preview, way))
    if release:
        QTest.mouseRelease(preview, Qt.MouseButton.LeftButton, pos=spot(preview, ways[-1]))


def press(preview, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(preview, key, modifier)


@pytest.mark.parametrize(
    "schedule",
    [
        {"milestones": (2, 5)},
        {"milestones": (20, 200), "interval": "step"},
        {"milestones": (2, 5), "warmup": 120, "warmup_start": 1.0},
        {"milestones": (20, 200), "interval": "step", "warmup": 70, "warmup_start": 1.0},
    ],
)
def test_a_milestone_stands_where_the_rate_falls(schedule):
    config = SchedulerConfig.parse({"name": "MultiStepLR", "gamma": 0.1, **schedule})
    found, factors = Milestones.of(config, STEPS, 10), curve(config, STEPS, 10)
    places = [found.place(0), found.place(1)]
    assert [step for step in range(1, len(factors)) if factors[step] != factors[step - 1]] == places


def test_a_schedule_of_another_kind_has_none():
    assert Milestones.of(SchedulerConfig.parse("StepLR"), STEPS, 10) is None


def test_milestones_stay_in_order_and_within_the_run():
    found = milestones((3, 6))
    assert found.moved(0, 8) == ((6, 8), 1)
    assert found.moved(0, 99) == ((6, 10), 1)
    assert found.moved(1, -4) == ((1, 3), 0)
    assert found.added(5) == ((3, 5, 6), 1)
    assert found.added(6) == ((3, 6), 1)
    assert found.removed(1) == ((3,), 0)
    assert milestones((3,)).removed(0) == ((), 0)
    assert [found.nearest(step) for step in (0, 74, 76, 1e9)] == [1, 1, 2, 10]


def test_the_widest_gap_takes_the_next_milestone():
    assert milestones(()).gap() == 5
    assert milestones((3, 6)).gap() == 8
    assert milestones((1, 2), epochs=2).gap() is None


@pytest.mark.parametrize(
    ("values", "epochs", "words"),
    [
        ((1, 2), 2, ""),
        ((3,), 2, "3 lies beyond the run of 2 epochs."),
        ((1, 5, 7, 9), 1, "5, 7 and 9 lie beyond the run of 1 epoch."),
    ],
)
def test_what_lies_beyond_the_run_is_said(values, epochs, words):
    assert milestones(values, epochs=epochs).warning == words


def test_what_a_warm_up_pushes_beyond_the_run_is_said_too():
    assert milestones((2,), epochs=2).warning == ""
    words = milestones((2,), epochs=2, warmup=STEPS).warning
    assert words == "2 lies beyond the run of 2 epochs, counted behind the warm-up."
    assert milestones((900,), interval="step").warning == "900 lies beyond the run of 500 steps."


def test_the_form_says_it_below_the_section_and_draws_it_at_the_right_edge(make):
    form = make(epochs=2, milestones=(1, 3))
    warning = form.findChild(Remark, "training.scheduler.warning")
    assert warning.text() == "3 lies beyond the run of 2 epochs."
    assert not warning.isHidden()
    form.change("epochs", 4)
    assert warning.isHidden()


def test_a_drag_moves_the_field_live_and_is_one_gesture(make):
    form = make()
    drag(preview_of(form), 3, 4, 5, release=False)
    assert form.config.scheduler.milestones == form.editor(FIELD).value() == (5, 6)
    assert form.heard == ["edited", "edited"]
    QTest.mouseRelease(preview_of(form), Qt.MouseButton.LeftButton, pos=spot(preview_of(form), 5))
    assert form.heard.count("settled") == 1


def test_a_drag_past_another_milestone_keeps_hold_of_its_own(make):
    form = make()
    drag(preview_of(form), 3, 5, 8, 9)
    assert form.config.scheduler.milestones == (6, 9)
    assert preview_of(form).selected == 1
    drag(preview_of(form), 9, 99)
    assert form.config.scheduler.milestones == (6, 10)


def test_a_click_without_a_movement_is_no_edit(make):
    form = make()
    drag(preview_of(form), 6, 6)
    assert form.heard == []
    assert preview_of(form).selected == 1


def test_a_double_click_adds_one(make):
    form = make()
    QTest.mouseDClick(preview_of(form), Qt.MouseButton.LeftButton, pos=spot(preview_of(form), 8.1))
    assert form.config.scheduler.milestones == (3, 6, 8)
    assert preview_of(form).selected == 2
    assert form.heard.count("settled") == 1


def test_keys_choose_move_add_and_remove(make, qtbot):
    form = make()
    preview = preview_of(form)
    preview.setFocus()
    press(preview, Qt.Key.Key_Right)
    assert form.config.scheduler.milestones == (4, 6)
    press(preview, Qt.Key.Key_Up)
    press(preview, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert form.config.scheduler.milestones == (1, 4)
    assert preview.selected == 0
    press(preview, Qt.Key.Key_Insert)
    assert form.config.scheduler.milestones == (1, 4, 7)
    press(preview, Qt.Key.Key_Delete)
    press(preview, Qt.Key.Key_Backspace)
    press(preview, Qt.Key.Key_Delete)
    assert form.config.scheduler.milestones == ()
    press(preview, Qt.Key.Key_Delete)
    press(preview, Qt.Key.Key_Insert)
    assert form.config.scheduler.milestones == (5,)
    assert "settled" not in form.heard
    qtbot.waitUntil(lambda: "settled" in form.heard, timeout=2000)
    assert form.heard.count("settled") == 1


def test_leaving_the_preview_ends_the_gesture_of_its_keys(make):
    form = make()
    preview_of(form).setFocus()
    press(preview_of(form), Qt.Key.Key_Right)
    QApplication.sendEvent(preview_of(form), QFocusEvent(QEvent.Type.FocusOut))
    assert form.heard.count("settled") == 1


def test_a_locked_one_cannot_be_moved(make):
    form = make()
    preview = preview_of(form)
    preview.lock(True)
    assert preview.focusPolicy() is Qt.FocusPolicy.NoFocus
    assert preview.toolTip() == ""
    drag(preview, 3, 5)
    QTest.mouseDClick(preview, Qt.MouseButton.LeftButton, pos=spot(preview, 8))
    assert form.heard == []
    preview.lock(False)
    assert "double click" in preview.toolTip()


def test_a_lock_lets_go_of_a_milestone_in_the_hand(make):
    form = make()
    preview = preview_of(form)
    drag(preview, 3, 4, release=False)
    preview.lock(True)
    QTest.mouseMove(preview, spot(preview, 9))
    assert form.config.scheduler.milestones == (4, 6)


def test_another_schedule_takes_no_focus_and_no_double_click(make):
    form = make()
    form.change("scheduler", {"name": "ExponentialLR"}, final=True)
    form.set_config(form.config)
    preview = preview_of(form)
    form.heard.clear()
    assert preview.focusPolicy() is Qt.FocusPolicy.NoFocus
    preview._compute()
    QTest.mouseDClick(preview, Qt.MouseButton.LeftButton, pos=spot(preview, 5))
    assert form.heard == []


def test_a_milestone_behind_another_one_at_the_edge_can_be_fetched_back(make):
    form = make(epochs=4, milestones=(2, 8, 9))
    drag(preview_of(form), 4, 3)
    assert form.config.scheduler.milestones == (2, 3, 8)


def test_hovering_says_factor_and_rate(make):
    preview = preview_of(make(optimizer={"name": "SGD", "lr": 0.1}))
    assert preview.said(10) == "epoch 0.2: factor 1, lr 0.1"
    assert preview.said(STEPS * 3 + 15) == "epoch 3.3: factor 0.1, lr 0.01"
    before = preview.grab().toImage()
    QTest.mouseMove(preview, QPoint(200, 40))
    assert preview.grab().toImage() != before
    QApplication.sendEvent(preview, QEvent(QEvent.Type.Leave))
    assert preview.grab().toImage() == before


def test_a_race_is_said_in_steps_and_factors(qtbot):
    preview = SchedulePreview(lambda config: (1, 20))
    qtbot.addWidget(preview)
    preview.show_entry(SchedulerConfig.parse({"name": "StepLR", "step_size": 10}), TrainingConfig())
    preview.show()
    assert preview.said(12) == "step 13: factor 0.1"


def test_an_edit_of_the_rate_is_followed(make):
    form = make()
    form.change("optimizer.lr", 0.5)
    assert preview_of(form).said(0).endswith("lr 0.5")


def test_a_line_stands_at_the_present_step(make, qtbot):
    preview = preview_of(make())
    before = preview.grab().toImage()
    preview.set_present(STEPS * 5)
    after = preview.grab().toImage()
    columns = [x for x in range(after.width())
               if any(after.pixel(x, y) != before.pixel(x, y) for y in range(after.height()))]  # fmt: skip
    assert columns == [preview._place(STEPS * 5)]
    assert columns[0] == pytest.approx(preview.width() / 2, abs=3)
    preview.set_present(None)
    assert preview.grab().toImage() == before


def test_the_present_step_may_lie_beyond_the_run_and_come_before_any_curve(qtbot):
    preview = SchedulePreview(lambda config: (10, 2))
    qtbot.addWidget(preview)
    preview.set_present(5)
    preview.show_entry(SchedulerConfig.parse("MultiStepLR"), TrainingConfig())
    preview.show()
    preview.set_present(10_000)
    assert preview._place(10_000) == preview._place(19)
    preview.grab()


def test_its_height_is_what_was_asked_for_and_less_for_words(make):
    form = make()
    assert preview_of(form).height() == preview_of(form).sizeHint().height() == TALL
    form.change("scheduler", {"name": "ReduceLROnPlateau"})
    form.set_config(form.config)
    preview_of(form)._compute()
    assert preview_of(form).sizeHint().height() < TALL


def test_the_curve_follows_a_drag(make, qtbot):
    form = make(milestones=(3,))
    drag(preview_of(form), 3, 7)
    wanted = np.repeat([1, 0.1], [7 * STEPS, 3 * STEPS])
    qtbot.waitUntil(lambda: np.allclose(preview_of(form).factors, wanted), timeout=2000)
