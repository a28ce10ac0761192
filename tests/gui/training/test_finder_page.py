"""The range test as a person sees and uses it."""

import numpy as np
import pytest

from optgui.core.training.questions import FindRate
from optgui.gui.training.finder_page import FinderPage
from tests.gui.training.network import Network


@pytest.fixture
def page(qtbot):
    made = FinderPage()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


def serve(page, **config):
    network = Network(**config)
    network.serve(page)
    page.show_config(network.engine.config)
    page.show_frame(network.engine.frame())
    return network


def test_nothing_can_be_found_before_there_are_data(page):
    assert not page.find.isEnabled()
    assert page.find.toolTip().startswith("Press Start")
    assert not page.take.isEnabled()
    assert page.take.toolTip() == "Find a rate first"


def test_three_sweeps_their_mean_and_the_suggestion_are_drawn(page):
    network = serve(page)
    page.find.click()
    assert network.asked == [FindRate(fresh=True)]
    finding = page.found.finding
    assert len(page.losses) == 3
    for item, test in zip(page.losses, finding.tests, strict=True):
        x, y = item.getData()
        np.testing.assert_allclose(10**x, test.lrs)
        known = np.isfinite(test.losses) & (test.losses > 0)
        np.testing.assert_allclose(10 ** y[known], test.losses[known])
    x, y = page.mean.getData()
    count = min(len(test.lrs) for test in finding.tests)
    np.testing.assert_allclose(10 ** y[:5], np.mean([test.smoothed[:5] for test in finding.tests], axis=0))
    assert len(x) == count
    assert 10 ** page.line.value() == pytest.approx(finding.suggestion)
    low, high = page.band.getRegion()
    assert 10**low <= finding.band[0] <= finding.band[1] <= 10**high
    crosses = [10 ** point.pos().x() for point in page.ends.points()]
    assert crosses == pytest.approx([test.blow_up for test in finding.tests if test.blow_up])


def test_the_suggestion_is_taken(page, qtbot):
    serve(page)
    page.find.click()
    with qtbot.waitSignal(page.taken) as taken:
        page.take.click()
    assert taken.args == [{"optimizer.lr": float(f"{page.found.finding.suggestion:.3g}")}]


def test_under_a_schedule_the_base_rate_is_taken(page):
    network = serve(page)
    found = network.ask(FindRate(fresh=False))
    page.show_answer(found._replace(factor=0.1))
    assert page.rate == pytest.approx(10 * found.finding.suggestion, rel=5e-3)
    assert "The schedule multiplies by 0.1" in page.words.text()


def test_the_present_network_can_be_swept(page):
    network = serve(page)
    page.start._group.button(1).click()
    page.find.click()
    assert network.asked == [FindRate(fresh=False)]
    assert page.words.text().startswith("From the network at step 5: ")


def test_an_optimizer_that_reads_its_rate_once_says_so(page):
    serve(page, optimizer={"name": "Rprop", "lr": 0.01})
    assert not page.find.isEnabled()
    assert page.find.toolTip().startswith("Rprop")


def test_hovering_reads_every_sweep(page):
    serve(page)
    page.find.click()
    page.plot.point((-3.0, 0.0))
    said = page.plot._read_out.text().split("\n")
    nearest = min(page.found.finding.tests[0].lrs, key=lambda lr: abs(np.log10(lr) + 3))
    assert said[0] == f"lr {nearest:.3g}"
    assert [row.split(":")[0] for row in said[1:]] == ["sweep 1", "sweep 2", "sweep 3"]


def test_another_run_begins_with_nothing(page):
    serve(page)
    page.find.click()
    page.clear()
    assert page.losses == []
    assert page.rate is None
    assert not page.band.isVisible()
    assert page.plot.hint.startswith("Press Find")


def test_sweeps_that_never_blow_up_have_no_crosses(page):
    network = serve(page)
    found = network.ask(FindRate(lr_max=1e-3))
    page.show_answer(found)
    assert len(page.ends.points()) == 0
    assert found.finding.note in page.words.text()


def test_a_loss_of_zero_is_drawn_without_an_error(page):
    network = serve(page)
    found = network.ask(FindRate())
    nothing = [
        test._replace(losses=0 * test.losses, smoothed=0 * test.smoothed) for test in found.finding.tests
    ]
    page.show_answer(found._replace(finding=found.finding._replace(tests=tuple(nothing))))
    assert page.grab().width() == page.width()
    assert page.take.isEnabled()


def test_a_refusal_and_a_stop_end_the_waiting(page):
    network = serve(page)
    page.wanted.disconnect()
    page.find.click()
    assert page.words.text().startswith("Sweeping")
    page.show_refusal("The network has no weights.")
    assert page.words.text() == "The network has no weights."
    page.find.click()
    page.show_refusal()
    assert page.words.text().startswith("Press Find")
    page.show_answer(network.ask(FindRate(fresh=True)))
    page.find.click()
    page.show_refusal()
    assert page.words.text().startswith("From a fresh network")
