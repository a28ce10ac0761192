import itertools

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog

from optgui.core.training.records import Node
from optgui.core.training.requests import Load, Mark, NetworkAt, Rewind, Save
from optgui.gui.training.run_tree import RunTree
from optgui.gui.training.tree_canvas import words_of
from optgui.gui.training.tree_marks import round_number

NODES = (
    Node(0, -1, 0, 0, 0, "start", "start", None),
    Node(1, 0, 0, 100, 1, "epoch 1", "epoch", 0.9),
    Node(2, 1, 0, 200, 2, "epoch 2", "epoch", 0.91),
    Node(3, 1, 1, 200, 2, "epoch 2", "epoch", 0.93),
    Node(4, 3, 1, 250, 2, "best", "mark", None),
)


@pytest.fixture
def tree(qtbot):
    tree = RunTree()
    qtbot.addWidget(tree)
    tree.resize(700, 116)
    with qtbot.waitExposed(tree):
        tree.show()
    return tree


@pytest.fixture
def grown(tree, qtbot):
    tree.show_tree(NODES, 1, 300, 4)
    qtbot.waitUntil(lambda: len(tree.canvas.drawn) == 5)
    return tree


def click(qtbot, tree, node):
    at = tree.canvas.place(node)
    qtbot.mouseClick(tree.canvas, Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y())))


def test_places_are_steps_across_and_branches_down(grown):
    place = grown.canvas.place
    assert place(2).x() == place(3).x()
    assert place(0).y() == place(1).y() == place(2).y() < place(3).y() == place(4).y()
    assert place(1).x() - place(0).x() == pytest.approx(place(2).x() - place(1).x())


def test_nothing_can_be_done_before_there_is_a_checkpoint_and_says_why(tree):
    for button in (tree.rewind, tree.halve, tree.attack, tree.mark, tree.save, tree.open):
        assert not button.isEnabled()
        assert button.toolTip() == "Start a run first"


def test_a_click_chooses_and_the_buttons_ask_for_it(grown, qtbot):
    assert grown.rewind.toolTip() == "Choose a checkpoint in the tree first"
    assert grown.words.text() == "Choose a checkpoint in the tree"
    with qtbot.waitSignal(grown.chosen) as chosen:
        click(qtbot, grown, 1)
    assert chosen.args == [1]
    assert grown.words.text() == words_of(NODES[1]) == "epoch 1  ·  step 100  ·  90.00% of the test images"
    with qtbot.waitSignal(grown.wanted) as wanted:
        grown.rewind.click()
    assert wanted.args == [Rewind(1)]
    with qtbot.waitSignal(grown.wanted) as wanted:
        grown.halve.click()
    assert wanted.args == [Rewind(1, halve_lr=True)]
    with qtbot.waitSignal(grown.wanted) as wanted:
        grown.attack.click()
    assert wanted.args == [NetworkAt(1)]


def test_arrow_keys_walk_along_the_way_and_between_lanes(grown, qtbot):
    def press(key):
        qtbot.keyClick(grown.canvas, key)
        return grown.selected

    keys = Qt.Key
    assert press(keys.Key_Home) == 0
    assert press(keys.Key_Right) == 1
    assert press(keys.Key_Right) == 2  # its own branch before the other
    assert press(keys.Key_Right) == 2
    assert press(keys.Key_Down) == 3
    assert press(keys.Key_Down) == 3
    assert press(keys.Key_Left) == 1
    assert press(keys.Key_End) == 4
    assert press(keys.Key_Up) == 2


def test_a_mark_has_the_name_typed_or_the_step(grown, qtbot):
    grown.label.setText(" nice ")
    with qtbot.waitSignal(grown.wanted) as wanted:
        qtbot.keyClick(grown.label, Qt.Key.Key_Return)
    assert wanted.args == [Mark("nice")]
    assert grown.label.text() == ""
    with qtbot.waitSignal(grown.wanted) as wanted:
        grown.mark.click()
    assert wanted.args == [Mark("step 300")]


@pytest.mark.parametrize(("name", "request_"), [("save", Save("/a.run")), ("open", Load("/a.run"))])
def test_files_are_asked_for_without_stopping_the_run(grown, qtbot, name, request_):
    getattr(grown, name).click()
    dialog = grown.findChild(QFileDialog, "training.tree.dialog")
    with qtbot.waitSignal(grown.wanted) as wanted:
        dialog.fileSelected.emit("/a.run")
    assert wanted.args == [request_]
    dialog.reject()


def test_of_many_checkpoints_some_are_drawn_and_marks_always(grown, qtbot):
    many = [Node(0, -1, 0, 0, 0, "start", "start", None)]
    many += [Node(i, i - 1, 0, i, i, "m", "mark" if i == 250 else "epoch", None) for i in range(1, 501)]
    grown.show_tree(many, 0, 500, 500)
    qtbot.waitUntil(lambda: 0 in grown.canvas.drawn and 250 in grown.canvas.drawn)
    assert len(grown.canvas.drawn) < 100
    xs = sorted(grown.canvas.place(node).x() for node in grown.canvas.drawn)
    assert min(b - a for a, b in itertools.pairwise(xs)) >= 4
    grown.select(3)
    assert 3 in grown.canvas.drawn
    assert not grown.grab().isNull()


def test_a_checkpoint_that_went_is_no_longer_chosen(grown, qtbot):
    grown.select(4)
    grown.show_tree(NODES[:2], 0, 150, 1)
    qtbot.waitUntil(lambda: grown.selected is None)
    assert not grown.rewind.isEnabled()


def test_the_axis_reaches_to_the_end_of_the_run(grown):
    grown.set_span(600)
    place = grown.canvas.place
    assert place(2).x() - place(0).x() == pytest.approx(200 / 600 * (700 - 28), abs=1)


def test_a_branch_without_checkpoints_begins_at_the_one_it_was_taken_from(grown, qtbot):
    lanes = {grown.canvas.place(node.id).y() for node in NODES}
    grown.show_tree(NODES, 2, 110, 1)
    qtbot.waitUntil(lambda: "3 branches" in grown.canvas.accessibleDescription())
    assert len(lanes) == 2
    assert not grown.grab().isNull()


@pytest.mark.parametrize(("least", "step"), [(0.2, 1), (1.5, 2), (3, 5), (7, 10), (30, 50), (70, 100)])
def test_numbers_of_the_axis_are_round(least, step):
    assert round_number(least) == step
