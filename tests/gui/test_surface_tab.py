"""What a surface tab shows when a race ends."""

import pytest

from optgui.core.surface import DescentConfig
from optgui.gui.readings import Readout
from optgui.gui.surface_tab import SurfaceTab
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState


@pytest.fixture
def tab(qtbot):
    made = SurfaceTab(PaintBudget())
    qtbot.addWidget(made)
    made.show()
    yield made
    for controller in made.controllers:
        controller.quit()
    assert all(controller.wait(2000) for controller in made.controllers)


def test_the_readings_of_an_ended_race_are_those_of_its_last_step(qtbot, tab):
    frames = []
    tab.panel.progressed.connect(lambda progress: frames.append(progress.frame))
    tab.open_config(DescentConfig.parse({"steps": 40, "speed": 5000}))
    qtbot.waitUntil(lambda: tab.panel.state is JobState.PAUSED, timeout=5000)
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.panel.state is JobState.FINISHED, timeout=5000)
    last = frames[-1]
    assert last.step == 40
    for identity, (x, y) in zip(last.ids, last.heads, strict=True):
        assert tab.findChild(Readout, f"surface.reading.{identity}.x, y").text() == f"{x:.4g}, {y:.4g}"
