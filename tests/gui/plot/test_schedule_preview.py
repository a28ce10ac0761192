"""The curve of a schedule over the run."""

import numpy as np
import pytest

from optgui.core.schedulers import SchedulerConfig, curve
from optgui.core.training import TrainingConfig
from optgui.gui.plot.schedule_preview import HEIGHT, MOST, MOST_SLICED, SchedulePreview


@pytest.fixture
def preview(qtbot):
    made = SchedulePreview(lambda config: (10, config.epochs))
    qtbot.addWidget(made)
    return made


def shown(preview, schedule, epochs=3):
    preview.show_entry(SchedulerConfig.parse(schedule), TrainingConfig.parse({"epochs": epochs}))
    preview.show()
    preview.hide()
    return preview


def test_it_shows_the_factor_of_each_step_of_the_run(preview):
    shown(preview, {"name": "StepLR", "step_size": 1, "gamma": 0.5})
    np.testing.assert_allclose(preview.factors, np.repeat([1, 0.5, 0.25], 10))
    assert preview.words == ""
    assert preview.sizeHint().height() == HEIGHT


def test_another_length_of_the_run_is_another_curve(preview):
    shown(preview, {"name": "ExponentialLR", "gamma": 0.9}, epochs=2)
    assert len(preview.factors) == 20
    shown(preview, {"name": "ExponentialLR", "gamma": 0.9}, epochs=5)
    assert len(preview.factors) == 50


def test_an_edit_is_seen_without_showing_the_widget_again(qtbot, preview):
    shown(preview, {"name": "ExponentialLR", "gamma": 0.9}).show()
    preview.show_entry(
        SchedulerConfig.parse({"name": "ExponentialLR", "gamma": 0.5}), TrainingConfig.parse({"epochs": 3})
    )
    qtbot.waitUntil(lambda: preview.factors[-1] == pytest.approx(0.25), timeout=2000)


def test_plateau_says_that_it_depends_on_the_run(preview):
    shown(preview, {"name": "ReduceLROnPlateau"})
    assert preview.factors is None
    assert "depends on the run" in preview.words == preview.accessibleDescription()


def test_a_run_of_too_many_steps_is_refused_in_words_unless_the_schedule_counts_epochs(qtbot):
    preview = SchedulePreview(lambda config: (1000, config.epochs))
    qtbot.addWidget(preview)
    shown(preview, {"name": "OneCycleLR"}, epochs=MOST_SLICED // 1000 + 1)
    assert preview.factors is None
    assert preview.words.startswith("A run of more than 200,000")
    shown(preview, {"name": "ExponentialLR"}, epochs=MOST_SLICED // 1000 + 1)
    assert len(preview.factors) == MOST_SLICED + 1000


@pytest.mark.parametrize("name", ["OneCycleLR", "MultiStepLR"])
def test_a_long_curve_comes_a_moment_later_and_is_the_same(qtbot, preview, name):
    entry, epochs = {"name": name, "interval": "step", "warmup": 7}, MOST // 10 + 300
    shown(preview, {"name": "StepLR"})
    before = preview.factors
    shown(preview, entry, epochs)
    assert preview.factors is before
    qtbot.waitUntil(lambda: preview.factors is not before, timeout=10_000)
    np.testing.assert_array_equal(preview.factors, curve(SchedulerConfig.parse(entry), 10, epochs))


@pytest.mark.parametrize("name", ["ReduceLROnPlateau", "CyclicLR", "CosineAnnealingLR"])
def test_it_draws_long_and_short_runs(preview, name):
    for epochs in (1, 900):
        shown(
            preview, {"name": name, "interval": "step"} if "Plateau" not in name else {"name": name}, epochs
        )
        preview.resize(280, HEIGHT)
        image = preview.grab().toImage()
        assert len({image.pixel(x, y) for x in range(0, 280, 3) for y in range(0, HEIGHT, 2)}) > 2
