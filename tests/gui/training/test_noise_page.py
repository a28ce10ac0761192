"""Signal-to-noise of mini-batches, measured and as theory has it."""

import numpy as np
import pytest

from optgui.core.training.questions import NoiseNow, NoiseReading
from optgui.gui.training.noise_page import NoisePage
from tests.gui.training.network import Network


@pytest.fixture
def page(qtbot):
    made = NoisePage()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


@pytest.fixture
def network(page):
    made = Network(batch_size=32)
    made.serve(page)
    page.show_config(made.engine.config)
    page.show_frame(made.engine.frame())
    return made


def notes(page):
    return [note.text for note in page.plot.notes]


def test_nothing_can_be_measured_before_there_is_a_network(page):
    assert not page.measure.isEnabled()
    assert page.measure.toolTip().startswith("Press Start")
    assert page.plot.hint.startswith("Press Measure")


def test_points_are_the_measured_ratios(page, network):
    page.measure.click()
    assert network.asked == [NoiseNow(replacement=False)]
    found = network.ask(NoiseNow(replacement=False))
    x, y = page.points.getData()
    np.testing.assert_allclose(10**x, found.curve.batches)
    np.testing.assert_allclose(10**y, found.noise.signal / found.curve.noise)


@pytest.mark.parametrize("replacement", [False, True])
def test_the_line_is_theory(page, network, replacement):
    page.drawing._group.button(int(replacement)).click()
    noise = page.found.noise
    x, y = page.theory.getData()
    batches = 10**x
    wanted = batches / noise.scale
    if not replacement:
        wanted = wanted / (1 - batches / page.found.images)
    np.testing.assert_allclose(10**y, wanted, rtol=1e-6)


def test_the_present_batch_size_is_marked(page, network):
    page.measure.click()
    assert "your batch size 32" in notes(page)
    page.show_config(network.engine.config.changed("batch_size", 100))
    assert "your batch size 100" in notes(page)
    ratio = page.found.noise.snr(100, 2_000)
    assert f"Your batch of 100: signal-to-noise {ratio:.3g}." in page.words.text()


def test_the_page_draws_as_the_run_draws(page, network):
    page.show_config(network.engine.config.changed("replacement", True))
    page.measure.click()
    assert network.asked == [NoiseNow(replacement=True)]


def test_a_full_batch_has_no_noise_at_all(page):
    network = Network(samples=100, batch_size=100, epochs=50)
    network.serve(page)
    page.show_config(network.engine.config)
    page.show_frame(network.engine.frame())
    page.measure.click()
    assert "Your batch of 100: no noise at all." in page.words.text()


def test_a_signal_that_is_lost_says_so(page, network):
    found = network.ask(NoiseNow())
    lost = found._replace(noise=found.noise._replace(signal=-1e-4, scale=np.inf, scale_error=np.inf))
    page.show_answer(lost)
    assert "cannot be told from noise" in page.words.text()
    assert page.points.getData()[0].size == 0


def test_hovering_reads_measured_and_theory(page, network):
    page.measure.click()
    x, y = page.points.getData()
    page.plot.point((x[3], y[3]))
    said = page.plot._read_out.text()
    assert said.startswith("batch 8\nmeasured ")
    assert "theory" in said


def test_live_readings_are_a_curve_over_steps(page, network):
    noise = network.ask(NoiseNow()).noise
    every = tuple(
        NoiseReading(step, noise._replace(scale=10.0 * step, signal=2.0, signal_error=1.0))
        for step in (1, 5, 9)
    )
    page.show_readings(every[:2])
    page.show_readings(every)
    series = page.curve.lines["scale"].series
    assert (list(series.x), list(series.y)) == ([1, 5, 9], [10, 50, 90])
    lost = NoiseReading(12, noise._replace(signal=1.0, signal_error=2.0))
    page.show_readings((*every, lost))
    assert np.isnan(page.curve.lines["scale"].series.y[-1])
    page.show_readings(every[:1])
    assert list(page.curve.lines["scale"].series.x) == [1]


def test_the_live_switch_asks_for_the_config_to_change(page, qtbot):
    with qtbot.waitSignal(page.taken) as taken:
        page.live.click()
    assert taken.args == [{"noise_reading": True}]


def test_a_refusal_is_said_until_what_was_found_shows_again(page, network):
    page.show_refusal("No.")
    assert page.words.text() == "No."
    page.measure.click()
    found = page.words.text()
    page.show_refusal("No.")
    page.show_refusal()
    assert page.words.text() == found != "No."
