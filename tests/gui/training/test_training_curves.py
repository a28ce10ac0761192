import math

import numpy as np
import pytest

from optgui.core.training.records import LayerReading, Node, TrainingFrame, TrainingRecord
from optgui.gui.training.training_curves import TrainingCurves


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def curves(qtbot, clock):
    curves = TrainingCurves(clock)
    qtbot.addWidget(curves)
    curves.resize(800, 700)
    with qtbot.waitExposed(curves):
        curves.show()
    return curves


def steps(first, last, branch=0, lr=0.1):
    return [
        TrainingRecord(
            s, 0, 1 / s, 0.5, lr, "train", grad_norm=2.0 if s % 8 == 1 else math.nan, branch=branch
        )
        for s in range(first, last + 1)
    ]


def evaluated(step, branch=0):
    return TrainingRecord(step, 1, math.nan, math.nan, 0.1, "test", 0.9, 0.3, branch=branch)


def frame(step=0, layers=(), nodes=(), here=-1, branch=0):
    none = np.empty(0)
    return TrainingFrame(
        "r", step, 100, 0, None, None, None, none, none, none, (), "", layers, nodes, here, branch
    )


def line(view, key):
    series = view.lines[key].series
    return list(series.x), list(series.y)


def test_summary_has_the_last_numbers(curves):
    curves.take_records([*steps(1, 4), evaluated(4)])
    assert curves.summary() == {
        "loss": {"batch": (4.0, 0.25), "test": (4.0, 0.3)},
        "accuracy": {"batch": (4.0, 50.0), "test": (4.0, 90.0)},
        "lr": {"lr": (4.0, 0.1)},
    }


def test_steps_without_a_gradient_norm_are_left_out(curves):
    curves.take_records(steps(1, 20))
    assert line(curves.gradient, "gradient") == ([1, 9, 17], [2, 2, 2])


def test_a_branch_goes_on_in_a_line_of_its_own_and_what_was_left_turns_pale(curves):
    curves.take_records([*steps(1, 10), evaluated(10)])
    curves.take_records(steps(7, 12, branch=1, lr=0.03))
    assert line(curves.loss, "batch")[0] == [1, 2, 3, 4, 5, 6]
    assert line(curves.loss, "batch left")[0] == [7, 8, 9, 10]
    assert line(curves.loss, "batch 1")[0] == [7, 8, 9, 10, 11, 12]
    assert line(curves.loss, "test left")[0] == [10]
    assert curves.loss.lines["batch 1"].label == "branch 1"
    assert curves.loss.lines["batch"].label == "main"
    assert curves.loss.lines["batch 1"].colour_index == 1
    pale = curves.loss.lines["batch left"]
    assert all(item.opacity() < 0.5 for item in pale.items)
    assert pale not in curves.loss.shown_lines
    assert not any("left" in key for key in curves.summary()["loss"])


def test_a_rewind_to_the_branch_that_was_left_takes_it_up_again(curves):
    nodes = [Node(0, -1, 0, 0, 0, "", "start", None), Node(1, 0, 0, 4, 0, "", "mark", None),
             Node(2, 1, 0, 8, 0, "", "mark", None)]  # fmt: skip
    curves.take_records(steps(1, 10))
    curves.take_frame(frame(4, nodes=nodes, here=1, branch=1))
    curves.take_records(steps(5, 6, branch=1))
    curves.take_frame(frame(8, nodes=nodes, here=2, branch=2))
    curves.take_records(steps(9, 12, branch=2))
    assert line(curves.loss, "batch")[0] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert line(curves.loss, "batch left")[0] == [9, 10]
    assert line(curves.loss, "batch 1")[0] == []
    assert line(curves.loss, "batch 1 left")[0] == [5, 6]
    assert line(curves.rate, "lr 2")[0] == [9, 10, 11, 12]


def test_what_comes_late_from_a_branch_that_was_left_joins_what_was_left(curves):
    curves.take_records(steps(1, 10))
    curves.begin_branch(1, 0, 6)
    curves.take_records(steps(11, 14))
    curves.take_records([*steps(7, 9, branch=1), evaluated(14)])
    assert line(curves.loss, "batch")[0] == [1, 2, 3, 4, 5, 6]
    assert line(curves.loss, "batch left")[0] == [7, 8, 9, 10, 11, 12, 13, 14]
    assert line(curves.loss, "test")[0] == []
    assert line(curves.loss, "test left")[0] == [14]
    curves.begin_branch(2, 0, 4)
    curves.take_records(steps(10, 12, branch=1))
    curves.take_records(steps(5, 8, branch=2))
    assert line(curves.loss, "batch")[0] == [1, 2, 3, 4]
    assert line(curves.loss, "batch left")[0] == [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    assert line(curves.loss, "batch 1")[0] == []
    assert line(curves.loss, "batch 1 left")[0] == [7, 8, 9, 10, 11, 12]
    assert line(curves.rate, "lr 2")[0] == [5, 6, 7, 8]


def test_layers_have_a_line_each_and_follow_the_way_to_here(curves):
    layers = (LayerReading("linear1", 1e-3, 0.25), LayerReading("linear2", 2e-3, math.nan))
    for step in (10, 20, 30):
        curves.take_frame(frame(step, layers))
    assert line(curves.ratios, "linear2") == ([10, 20, 30], [2e-3] * 3)
    assert line(curves.dead, "linear1") == ([10, 20, 30], [25] * 3)
    assert "linear2" not in curves.dead.lines
    curves.begin_branch(1, 0, 15)
    curves.take_frame(frame(18, layers))
    assert line(curves.ratios, "linear1")[0] == [10, 18]


def test_throughput_counts_images_and_no_pauses(curves, clock):
    curves.set_batch_size(64)
    curves.take_records(steps(1, 10))
    clock.now = 1.0
    curves.take_records(steps(11, 110))
    assert line(curves.throughput, "speed") == ([110], [6400])
    clock.now = 60.0
    curves.take_records(steps(111, 120))
    clock.now = 62.0
    curves.take_records(steps(121, 220))
    assert line(curves.throughput, "speed") == ([110, 220], [6400, 3200])


def test_a_mark_is_in_every_curve_and_clear_forgets_all(curves):
    curves.take_records([*steps(1, 10), *steps(5, 9, branch=1)])
    curves.mark(4, "lr 0.1 → 0.03")
    assert all(view.marks == [(4.0, "lr 0.1 → 0.03")] for view in curves.views)
    curves.clear()
    assert not any(view.marks for view in curves.views)
    assert curves.summary() == {"loss": {}, "accuracy": {}, "lr": {}}
    assert list(curves.loss.lines) == ["batch", "test"]
    curves.take_records(steps(1, 2))
    assert line(curves.loss, "batch")[0] == [1, 2]


def test_marks_of_a_branch_that_was_left_turn_pale_and_come_back_with_it(curves):
    curves.take_records(steps(1, 20))
    curves.mark(4, "lr 0.1 → 0.05")
    curves.mark(12, "momentum 0 → 0.9")
    curves.begin_branch(1, 0, 12)
    assert curves.loss.marks == [(4.0, "lr 0.1 → 0.05")]  # an edit acts behind its step
    assert curves.loss.left_marks == [(12.0, "momentum 0 → 0.9")]
    curves.take_records(steps(13, 18, branch=1))
    curves.mark(16, "lr 0.05 → 0.02")
    assert curves.loss.marks == [(4.0, "lr 0.1 → 0.05"), (16.0, "lr 0.05 → 0.02")]
    curves.loss.set_cursor(12)
    assert curves.loss.marks_near_cursor() == ["momentum 0 → 0.9, left"]
    curves.begin_branch(2, 0, 15)
    assert curves.loss.marks == [(4.0, "lr 0.1 → 0.05"), (12.0, "momentum 0 → 0.9")]
    assert curves.loss.left_marks == [(16.0, "lr 0.05 → 0.02")]


def test_hovering_reads_the_branch_that_has_a_record_there(curves):
    curves.take_records([*steps(1, 30), evaluated(5)])
    curves.begin_branch(1, 0, 20)
    curves.take_records(steps(21, 28, branch=1))
    curves.loss.set_cursor(26.2)
    assert curves.loss.nearest_x() == 26
    assert {line.label for line, _, _ in curves.loss.readings() if line} == {"branch 1"}
    curves.begin_branch(2, 1, 21)
    curves.take_records([*steps(22, 27, branch=2), evaluated(21, branch=1)])
    assert {line.label for line, _, _ in curves.loss.readings() if line} == {"branch 2"}
    curves.loss.set_cursor(7)
    assert {"main", "test"} <= {line.label for line, _, _ in curves.loss.readings() if line}


def test_names_stand_behind_what_was_left(curves, qtbot):
    curves.set_span(100)
    curves.take_records(steps(1, 60))
    curves.begin_branch(1, 0, 20)
    curves.take_records(steps(21, 24, branch=1))
    curves.refresh()
    assert max(line.drawn[0][-1] for line in curves.loss.shown_lines) == 24
    assert max(line.drawn[0][-1] for line in curves.loss.drawn_lines) == 60


def test_hidden_pages_are_not_painted(curves, qtbot):
    curves.take_records(steps(1, 10))
    before = curves.gradient.canvas.paints
    curves.refresh()
    assert curves.gradient.canvas.paints == before
    curves.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: curves.gradient.canvas.paints > before)


def test_the_first_words_say_what_to_press(curves):
    assert "Press Start" in curves.loss.hint
    assert all(view.hint for view in curves.views)
