"""Sharpness and limit along the run, eigenvalues and trace on demand."""

import numpy as np
import pytest

from optgui.core.training import TrainingConfig
from optgui.core.training.questions import Eigenvalues, HessianTrace, SharpnessNow
from optgui.gui.readings import Readout
from optgui.gui.training.curvature_page import PRESET, CurvaturePage
from tests.gui.training.network import Network


@pytest.fixture
def page(qtbot):
    made = CurvaturePage()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


def serve(page, **config):
    made = Network(**config)
    made.serve(page)
    page.show_frame(made.engine.frame())
    return made


def readings(network, count, every=2):
    found = []
    for _ in range(count):
        network.train(every)
        found.append(network.ask(SharpnessNow()))
    return tuple(found)


def fact(page, word):
    return page.findChild(Readout, f"training.curvature.facts.{word}").text()


def line(page, key):
    series = page.curve.lines[key].series
    return list(series.x), list(series.y)


def test_nothing_can_be_measured_before_there_is_a_network(page):
    for button in (page.measure, page.eigenvalues, page.trace):
        assert not button.isEnabled()
        assert button.toolTip() == "Press Start: there is no network to measure yet"


def test_readings_are_drawn_with_the_limit_of_each_rate(page):
    network = serve(page)
    first = readings(network, 3)
    network.engine.apply(network.engine.config.changed("optimizer.lr", 0.005))
    every = (*first, *readings(network, 2))
    page.show_readings(first)
    page.show_readings(every)
    steps, values = line(page, "sharpness")
    assert steps == [one.step for one in every]
    assert values == [one.sharpness.value for one in every]
    assert line(page, "limit")[1] == pytest.approx([200.0] * 4 + [400.0] * 2)
    assert fact(page, "Limit") == "400"
    assert fact(page, "Formula") == "2 / lr"


def test_a_run_that_went_back_loses_what_came_after(page):
    network = serve(page)
    every = readings(network, 4)
    page.show_readings(every)
    page.show_readings(every[:2])
    assert line(page, "sharpness")[0] == [one.step for one in every[:2]]


def test_a_single_reading_takes_its_place_among_the_live_ones(page):
    network = serve(page)
    first = readings(network, 2)
    network.train(1)
    page.show_readings(first)
    page.measure.click()
    assert network.asked == [SharpnessNow()]
    single = network.engine._step
    every = (*first, *readings(network, 2))
    page.show_readings(every)
    assert line(page, "sharpness")[0] == sorted([one.step for one in every] + [single])


def test_mini_batches_have_a_full_batch_limit_and_a_full_batch_an_exact_one(page):
    serve(page)
    page.measure.click()
    assert page.note.text().startswith("Full-batch limit")
    page.clear()
    serve(page, samples=100, batch_size=100, epochs=100)
    page.measure.click()
    assert page.note.text() == "Every step follows the gradient of exactly this loss."


def test_an_optimizer_without_a_limit_says_why(page):
    serve(page, optimizer={"name": "RAdam", "lr": 0.01})
    page.measure.click()
    assert page.note.text().startswith("RAdam ")
    assert fact(page, "Limit") == "–"
    assert np.isnan(line(page, "limit")[1]).all()


def test_eigenvalues_and_trace_come_on_demand(page):
    network = serve(page)
    page.eigenvalues.click()
    page.trace.click()
    assert network.asked == [Eigenvalues(8), HessianTrace()]
    np.testing.assert_array_equal(page.bars.values, network.ask(Eigenvalues(8)).values)
    found = network.ask(HessianTrace())
    assert fact(page, "Trace") == f"{found.value:.4g} ± {found.error:.1g}"
    assert "±" in page.bars.toolTip()
    assert not page.bars.grab().isNull()


def test_the_live_switch_asks_for_the_config_to_change(page, qtbot):
    with qtbot.waitSignal(page.taken) as taken:
        page.live.click()
    assert taken.args == [{"sharpness": True}]
    page.show_live(True)
    assert page.live.toolTip().startswith("Stop reading")


def test_the_preset_is_a_config_whose_steps_follow_the_loss_exactly(page, qtbot):
    with qtbot.waitSignal(page.preset) as asked:
        page.edge.click()
    assert asked.args == [PRESET]
    fields = {name: value for name, value in PRESET.items() if name in TrainingConfig.model_fields}
    assert set(PRESET) - set(fields) <= {"sharpness"}
    network = Network(1, **{**fields, "batch_size": 2_000})
    assert network.ask(SharpnessNow()).exact


def test_another_run_begins_with_nothing(page):
    network = serve(page)
    page.show_readings(readings(network, 2))
    page.eigenvalues.click()
    page.clear()
    assert line(page, "sharpness") == ([], [])
    assert not len(page.bars.values)
    assert fact(page, "λ₁") == "–"


def test_a_refusal_is_said_until_the_newest_reading_shows_again(page):
    network = serve(page)
    page.show_readings(readings(network, 2))
    words = page.note.text()
    page.show_refusal("No.")
    assert page.note.text() == "No."
    page.show_refusal()
    assert page.note.text() == words
