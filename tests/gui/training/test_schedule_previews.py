"""Each entrant of a race sees its own schedule over its own batches."""

import pytest

from optgui.core.training.race import RaceConfig
from optgui.gui.training.race_panel import NetworkRacePanel
from optgui.gui.training.schedule_previews import EntrantSchedule
from optgui.jobs.controller import PaintBudget

STEPS = {"name": "StepLR", "step_size": 1, "gamma": 0.5}


@pytest.fixture
def panel(qtbot):
    entrants = [
        {"optimizer": {"name": "SGD", "lr": lr}, "batch_size": size, "scheduler": STEPS}
        for lr, size in ((0.1, 64), (0.2, 16))
    ]
    made = NetworkRacePanel(RaceConfig.parse({"epochs": 3, "entrants": entrants}), PaintBudget())
    qtbot.addWidget(made.form)
    made.form.show()
    yield made
    made.controller.quit()
    assert made.controller.wait(2000)


def previews(panel):
    """Of each entrant, in the order of the list."""
    found = {one.objectName(): one for one in panel.form.findChildren(EntrantSchedule)}
    return [found[f"race.entrant.{entrant.id}.scheduler.preview"] for entrant in panel.config.entrants]


def lengths(panel):
    return [one._wanted[1:] for one in previews(panel)]


def test_an_epoch_has_as_many_steps_as_the_entrant_has_batches(panel):
    assert lengths(panel) == [(938, 3), (3750, 3)]  # 60,000 / 64 and / 16, rounded up


def test_it_follows_batch_size_rate_and_the_list(panel, qtbot):
    panel.form.change("entrants.0.batch_size", 100, final=True)
    panel.form.change("entrants.1.optimizer.lr", 0.4, final=True)
    assert lengths(panel) == [(600, 3), (3750, 3)]
    assert previews(panel)[1]._lr == 0.4
    one, other = panel.config.model_dump(mode="json")["entrants"]
    panel.form.change("entrants", [other, one, {**one, "id": 7, "batch_size": 50}], final=True)
    panel.form.set_config(panel.config)
    assert lengths(panel) == [(3750, 3), (600, 3), (1200, 3)]
