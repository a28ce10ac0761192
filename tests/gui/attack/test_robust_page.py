"""The page of robust curves: measuring, stopping, and what stays."""

import csv
import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QAbstractSpinBox, QFileDialog, QListWidget

from optgui.core.attack.robust import RobustConfig
from optgui.gui.attack.robust.networks import RobustNetworks
from optgui.gui.attack.robust.page import RobustPage
from optgui.gui.networks import NetworkShelf
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState
from tests.core.attack.robust.networks import learned
from tests.samples import made_up_digits

QUICK = {"digits": 60, "epsilons": 4, "steps": 5}
LONG = {"digits": 400, "epsilons": 4, "steps": 400}


@pytest.fixture
def shelf():
    return NetworkShelf()


@pytest.fixture
def page(qtbot, shelf):
    made = RobustPage(PaintBudget(), shelf)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.spoken = []
    made.said.connect(made.spoken.append)
    made.show()
    yield made
    made.controller.quit()
    assert made.controller.wait(10_000)


@pytest.fixture
def ready(page, shelf):
    """A page with a network and its digits."""
    shelf.add(learned())
    show_digits(page)
    return page


def show_digits(page, count=None):
    digits = made_up_digits()
    page.show_data(digits.test_images[:count], digits.test_labels[:count], digits.name)


def settle(page, **settings):
    page.side.form.set_config(RobustConfig.parse(settings))


def measure(qtbot, page, **settings):
    settle(page, **{**QUICK, **settings})
    ended(qtbot, page, page.bar.start_button.click)
    return page.frame


def ended(qtbot, page, act):
    ends = (JobState.FINISHED, JobState.STOPPED, JobState.FAILED)
    with qtbot.waitSignal(
        page.controller.state_changed, timeout=60_000, check_params_cb=lambda state: state in ends
    ):
        act()


def until(qtbot, seen):
    qtbot.waitUntil(seen, timeout=60_000)


def ticks(page):
    return page.side.networks.ids


def item(networks, identity):
    return next(
        networks.item(row)
        for row in range(networks.count())
        if networks.item(row).data(Qt.ItemDataRole.UserRole) == identity
    )


# What to press


def test_before_anything_is_there_it_says_what_is_missing(page, shelf):
    assert page.plot.hint.startswith("There is no network yet")
    assert not page.bar.start_button.isEnabled()
    assert page.bar.start_button.toolTip() == page.plot.hint
    shelf.add(learned())
    assert page.plot.hint.startswith("The test digits come with the first training run")
    show_digits(page)
    assert "press measure" in page.plot.hint.lower()
    assert page.bar.start_button.isEnabled()
    page.side.networks.tick([])
    assert page.plot.hint == "Open Settings and tick a network first."
    assert not page.bar.start_button.isEnabled()
    page.start()
    assert page.spoken == [page.plot.hint]


def test_the_hint_says_what_measure_would_do(ready):
    settle(ready, digits=2_000, l1=True)
    ready.side.form.edited.emit(ready.side.config, "digits")
    assert "first 2,000 test digits in L2, L∞ and L1 on MLP-0@32" in ready.plot.hint


def test_the_newest_network_is_ticked_until_a_person_chooses(ready, shelf):
    assert ticks(ready) == ["MLP-0@32"]
    shelf.add(learned("Softmax"))
    assert ticks(ready) == ["Softmax-0@32"]
    item(ready.side.networks, "MLP-0@32").setCheckState(Qt.CheckState.Checked)
    shelf.add(learned("MLP", 1))
    assert ticks(ready) == ["Softmax-0@32", "MLP-0@32"]


def test_a_network_of_other_digits_cannot_be_ticked_and_says_why(ready, shelf):
    shelf.add(dataclasses.replace(learned(), id="other@1", dataset="mnist"))
    other = item(ready.side.networks, "other@1")
    assert not other.flags() & Qt.ItemFlag.ItemIsEnabled
    assert "Trained on MNIST, but the test digits here are" in other.toolTip()
    assert ticks(ready) == ["MLP-0@32"]


def test_six_networks_at_the_most(qtbot, shelf):
    for number in range(7):
        shelf.add(dataclasses.replace(learned(), id=f"run-{number}@1"))
    networks = RobustNetworks(shelf)
    qtbot.addWidget(networks)
    for number in range(5):
        item(networks, f"run-{number}@1").setCheckState(Qt.CheckState.Checked)
    assert len(networks.ids) == 6  # with the newest
    left = next(f"run-{number}@1" for number in range(7) if f"run-{number}@1" not in networks.ids)
    assert not item(networks, left).flags() & Qt.ItemFlag.ItemIsEnabled
    assert "At most 6 networks" in item(networks, left).toolTip()
    item(networks, networks.ids[0]).setCheckState(Qt.CheckState.Unchecked)
    assert item(networks, left).flags() & Qt.ItemFlag.ItemIsEnabled


def test_the_settings_stand_open_where_there_is_room(qtbot, shelf):
    for width, opened in ((700, False), (1_400, True)):
        page = RobustPage(PaintBudget(), shelf)
        qtbot.addWidget(page)
        page.resize(width, 500)
        page.show()
        assert page.side.isVisible() is page.settings.isChecked() is opened
        page.settings.click()
        assert page.side.isVisible() is not opened
        page.controller.quit()
        assert page.controller.wait(10_000)


# Measuring


def test_measuring_shows_curves_and_numbers(ready, shelf, qtbot):
    shelf.add(learned("Softmax"))
    ready.side.networks.tick(["MLP-0@32", "Softmax-0@32"])
    frame = measure(qtbot, ready)
    assert frame.digits == frame.wanted == 60
    assert [(curve.network_id, curve.norm) for curve in frame.curves] == [
        (identity, norm) for identity in ("Softmax-0@32", "MLP-0@32") for norm in ("L2", "Linf")
    ]
    assert ready.plot.frame is frame
    assert ready.table.order.rowCount() == 4
    assert ready.words.text() == "60 digits; an upper bound, since a stronger attack may fool more"
    assert "finished" in ready.bar.text.text()
    ready.plot._point((0, 2))
    ready.grab()


def test_while_it_measures_the_settings_wait(ready, qtbot):
    settle(ready, **LONG)
    ready.bar.start_button.click()
    until(qtbot, lambda: ready.controller.state is JobState.RUNNING)
    assert ready.bar.start_button.text() == "Pause"
    assert not ready.side.networks.isEnabled()
    assert not ready.side.form.editor("digits").isEnabled()
    assert not ready.clear_button.isEnabled()
    ready.clear()
    ended(qtbot, ready, ready.bar.stop_button.click)
    assert ready.bar.start_button.text() == "Measure"
    assert ready.side.networks.isEnabled()
    assert ready.side.form.editor("digits").isEnabled()


def test_pause_and_go_on(ready, qtbot):
    settle(ready, **LONG)
    ready.bar.start_button.click()
    until(qtbot, lambda: ready.controller.state is JobState.RUNNING)
    ready.bar.start_button.click()
    until(qtbot, lambda: ready.controller.state is JobState.PAUSED)
    assert ready.bar.stop_button.isEnabled()
    ready.bar.start_button.click()
    until(qtbot, lambda: ready.controller.state is JobState.RUNNING)
    ended(qtbot, ready, ready.bar.stop_button.click)


def test_a_measurement_stopped_keeps_its_curves_and_says_of_how_many_digits(ready, qtbot):
    settle(ready, **{**LONG, "steps": 150})
    ready.bar.start_button.click()
    until(qtbot, lambda: ready.frame is not None)
    assert "of 400 digits so far" in ready.words.text()
    ended(qtbot, ready, ready.bar.stop_button.click)
    assert 0 < ready.frame.digits < 400
    assert ready.words.text() == f"Stopped: the curves are of {ready.frame.digits} of 400 digits"
    assert f"digit {ready.frame.digits} of 400" in ready.bar.text.text()
    assert len(ready.frame.curves[0].thresholds) == ready.frame.digits
    assert ready.table.order.rowCount() == 2


def test_stopped_before_the_first_digits_are_done_the_curves_before_stay(ready, qtbot):
    before = measure(qtbot, ready)
    settle(ready, **LONG)
    ready.bar.start_button.click()
    until(qtbot, lambda: ready.controller.state is JobState.RUNNING)
    assert ready.frame is before
    assert ready.words.text() == (
        "Attacking the first digits; the curves are those of the measurement before"
    )
    ended(qtbot, ready, ready.bar.stop_button.click)
    assert ready.frame is ready.plot.frame is before
    assert "Stopped before the first digits were done" in ready.words.text()
    assert measure(qtbot, ready, seed=3) is not before


def test_more_digits_than_the_set_has_is_said_and_the_curves_before_stay(ready, qtbot):
    show_digits(ready, 80)
    before = measure(qtbot, ready)
    assert measure(qtbot, ready, digits=5_000) is before
    assert ready.spoken == ["digits: expected at most the 80 of the test set, got 5,000"]
    assert ready.plot.frame is before
    assert measure(qtbot, ready, seed=1) is not before


def test_a_network_that_has_diverged_is_said(ready, shelf, qtbot):
    good = learned()
    broken = {name: np.full_like(array, np.nan) for name, array in good.arrays.items()}
    shelf.add(dataclasses.replace(good, id="broken@1", arrays=broken))
    assert ticks(ready) == ["broken@1"]
    assert measure(qtbot, ready) is None
    assert "has its training diverged?" in ready.spoken[0]


def test_no_norm_snaps_back_and_is_said(ready):
    settle(ready, linf=False)
    ready.side.form.change("l2", False)
    assert ready.side.config.l2
    assert "at least one norm" in ready.spoken[0]


# What is done with the results


def test_clear_takes_the_curves_away(ready, qtbot):
    assert not ready.clear_button.isEnabled()
    assert not ready.save.isEnabled()
    measure(qtbot, ready)
    assert ready.table.isVisible()
    ready.clear_button.click()
    assert ready.frame is ready.plot.frame is None
    assert not ready.table.isVisible()
    assert "Press Measure" in ready.plot.hint
    assert not ready.save.isEnabled()
    assert ready.save.toolTip().startswith("There are no curves yet")


def test_numbers_and_plot_are_saved_through_a_dialog_that_does_not_block(ready, qtbot, tmp_path):
    frame = measure(qtbot, ready)
    for act, name in ((ready.save_numbers, "a.csv"), (ready.save_plot, "a.png"), (ready.save_plot, "a.svg")):
        act()
        dialog = ready.findChild(QFileDialog, "attack.robust.dialog")
        assert dialog.isVisible()
        dialog.fileSelected.emit(str(tmp_path / name))
        dialog.setObjectName("")
        dialog.reject()
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 2 * 5
    assert float(rows[4]["robust"]) == frame.curves[0].robust[4]
    assert not QImage(str(tmp_path / "a.png")).isNull()
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert ready.words.text() == f"Saved as {tmp_path / 'a.svg'}"
    assert ready.spoken == []


@pytest.mark.parametrize("name", ["x.csv", "x.png", "x.svg"])
def test_a_file_that_cannot_be_written_is_said(ready, qtbot, tmp_path, name):
    measure(qtbot, ready)
    ready.write(str(tmp_path / "nowhere" / name))
    assert ready.spoken == [f"{name}: expected a file that can be written, got: No such file or directory"]


def test_the_mark_of_the_attack_reaches_the_plot(ready):
    ready.set_epsilon("Linf", 0.1)
    assert ready.plot._epsilon == ("Linf", 0.1)


def test_every_control_has_a_name(ready):
    ready.settings.click()
    kinds = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QListWidget)
    found = [widget for kind in kinds for widget in ready.findChildren(kind)]
    named = [w for w in found if not w.objectName().startswith("qt_") and w.isVisible()]
    assert len(named) > 10
    for widget in named:
        face = QAccessible.queryAccessibleInterface(widget)
        assert face.text(QAccessible.Text.Name).strip(), widget
