"""The step written out: whose, which, and what it brought."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from optgui.core.surface.step import written_step
from optgui.gui.readings import Readout
from optgui.gui.surface.step_panel import StepPanel
from tests.gui.surface.races import DIVERGING, RACERS, run


@pytest.fixture
def panel(qtbot):
    made = StepPanel()
    qtbot.addWidget(made)
    made.resize(260, 500)
    made.show()
    return made


def fact(panel, word):
    return panel.findChild(Readout, f"surface.step_out.decrease.{word}").text()


def settle(qtbot, panel, frame, step, note=None):
    panel.show_race(frame, step)
    qtbot.waitUntil(lambda: panel.text().startswith(note or f"Step {step}"), timeout=2000)


def test_every_line_of_the_step_is_there(panel, qtbot):
    frame = run()
    settle(qtbot, panel, frame, 7)
    panel.select(4)
    assert panel.racer == 4
    said = panel.text()
    for line in written_step(frame, 2, 7):
        for words in line:
            assert words.replace("\u0302", "\u02c6") in said


def test_before_the_first_step_there_are_formulas_alone(panel, qtbot):
    frame = run()
    settle(qtbot, panel, frame, 1)
    settle(qtbot, panel, frame, 0, "Step once")
    (line,) = written_step(frame, 0, 1)
    assert panel.text().split("\n") == ["Step once to see the numbers", line.name, line.formula]


def test_a_race_that_has_not_begun_says_what_to_do(panel):
    panel.show_race(run(taken=0), 0)
    assert panel.text() == "Step once to see the numbers"


def test_a_diverged_racer_says_so(panel, qtbot):
    frame = run(racers=(*RACERS, DIVERGING))
    settle(qtbot, panel, frame, 60)
    panel.select(2)
    assert panel.text().startswith(f"Diverged at step {frame.diverged[3]}")
    assert fact(panel, "Actual") == "–"


def test_promised_and_actual_decrease_are_those_of_the_step(panel, qtbot):
    frame = run()
    settle(qtbot, panel, frame, 3)
    gx, gy = frame.gradients[0, 2]
    assert float(fact(panel, "Promised by slope")) == pytest.approx(0.001 * (gx**2 + gy**2), rel=1e-3)
    actual = float(fact(panel, "Actual").replace("−", "-"))
    assert actual == pytest.approx(frame.losses[0, 2] - frame.losses[0, 3], rel=1e-3)


def test_the_largest_rate_is_found_when_the_head_rests(panel, qtbot):
    frame = run("Booth", steps=5)
    settle(qtbot, panel, frame, 2)
    assert fact(panel, "Largest lr that lowers f") == "…"
    qtbot.waitUntil(lambda: fact(panel, "Largest lr that lowers f") != "…", timeout=3000)
    g = frame.gradients[0, 1]
    hessian = frame.config.surface.curvature(*frame.paths[0, 1]).hessian
    expected = 2 * (g @ g) / (g @ hessian @ g)  # on a quadratic
    assert float(fact(panel, "Largest lr that lowers f")) == pytest.approx(expected, rel=1e-3)


def test_the_racer_stays_chosen_as_long_as_it_runs(panel, qtbot):
    settle(qtbot, panel, run(), 5)
    panel.select(4)
    settle(qtbot, panel, run(racers=(*RACERS, DIVERGING)), 6)
    assert panel.racer == 4
    settle(qtbot, panel, run(racers=RACERS[:2]), 7)
    assert panel.racer == 0
    panel.select(99)
    assert panel.racer == 0


def test_it_is_written_at_most_ten_times_a_second(panel, qtbot):
    frame, changes = run(), []
    settle(qtbot, panel, frame, 1)
    panel.lines.textChanged.connect(lambda: changes.append(1))
    for step in range(1, 61):
        panel.show_race(frame, step)
    assert len(changes) <= 1
    qtbot.waitUntil(lambda: panel.text().startswith("Step 60"), timeout=2000)


def test_the_step_is_copied(panel, qtbot):
    settle(qtbot, panel, run(), 5)
    QTest.mouseClick(panel.copy_button, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == panel.text()
    assert "x ← x − lr g" in panel.text()


def test_it_is_as_high_as_its_lines_and_does_not_shrink_while_it_changes(panel, qtbot):
    frame = run()
    settle(qtbot, panel, frame, 5)
    panel.select(4)
    QApplication.processEvents()
    assert panel.lines.height() >= panel.lines.document().size().height()
    tall = panel.lines.sizeHint().height()
    panel.show_race(frame, 0)
    qtbot.waitUntil(lambda: panel.text().startswith("Step once"), timeout=2000)
    assert panel.lines.sizeHint().height() == tall
    panel.select(0)
    assert panel.lines.sizeHint().height() < tall


def test_the_lines_can_be_selected_with_mouse_and_keys(panel):
    flags = panel.lines.textInteractionFlags()
    assert flags & Qt.TextInteractionFlag.TextSelectableByMouse
    assert flags & Qt.TextInteractionFlag.TextSelectableByKeyboard
