"""A race of networks on screen: it runs to its end, takes edits, says who is out, and hands networks on."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from optgui.core.training import digits
from optgui.core.training.models import network_of
from optgui.core.training.race import PRESETS, RaceConfig
from optgui.gui import theme
from optgui.gui.surface.finals_model import SORT_ROLE
from optgui.gui.training.race_curves import SMOOTHING
from optgui.gui.training.race_page import FIRST, RacePage
from optgui.gui.training.race_table import COLUMNS
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState
from tests.samples import made_up_digits

IMAGES = len(made_up_digits().train_images)
TITLES = [column.title for column in COLUMNS]
EXPLODING = {"name": "SGD", "lr": 1e6, "momentum": 0.9, "weight_decay": 1.0}


@pytest.fixture(autouse=True)
def _made_up_data(monkeypatch):
    monkeypatch.delenv("OPTGUI_DATA", raising=False)
    monkeypatch.delitem(digits._memory, "mnist", raising=False)
    monkeypatch.setitem(digits._memory, "builtin", made_up_digits())


@pytest.fixture
def page(qtbot):
    made = RacePage(PaintBudget())
    made.records = []
    made.panel.progressed.connect(lambda progress: made.records.extend(progress.records))
    qtbot.addWidget(made)
    made.resize(960, 560)
    made.show()
    yield made
    close(made)


def close(page):
    for controller in page.controllers:
        controller.quit()
    assert all(controller.wait(2000) for controller in page.controllers)


def begin(page, **config):
    page.panel.open(RaceConfig.parse({"dataset": "builtin", **config}))
    page.panel.start()


def wait_for(qtbot, page, state):
    qtbot.waitUntil(lambda: page.panel.state is state, timeout=20_000)


def run(qtbot, page, **config):
    begin(page, **config)
    wait_for(qtbot, page, JobState.FINISHED)
    page.table.show_now()


def train_records(page, identity):
    """(images seen, loss, lr) of one entrant, from the records."""
    found = []
    for record in page.records:
        if record.phase == "train" and identity in record.ids:
            place = record.ids.index(identity)
            found.append((record.samples, record.losses[place], record.lrs[place]))
    return np.array(found)


def cells(page, identity):
    """What the table says of an entrant, by title."""
    order = page.table.order
    for row in range(order.rowCount()):
        if order.index(row, 0).data(SORT_ROLE) == identity:
            return {title: order.index(row, column).data() for column, title in enumerate(TITLES)}
    return None


def averaged(values):
    """The moving average with its bias taken away, written out."""
    average = 0.0
    for value in values:
        average = SMOOTHING * average + (1 - SMOOTHING) * value
    return average / (1 - SMOOTHING ** len(values))


def test_a_preset_runs_to_its_end_and_fills_curves_and_table(qtbot, page):
    assert page.loss.hint
    assert page.accuracy.hint
    QTest.mouseClick(page.panel.run_bar.start_button, Qt.MouseButton.LeftButton)
    wait_for(qtbot, page, JobState.FINISHED)
    page.table.show_now()
    entrants = PRESETS[FIRST].entrants
    assert [line.label for line in page.loss.lines.values()] == [entrant.label for entrant in entrants]
    tested = [record for record in page.records if record.test_accuracies]
    for place, entrant in enumerate(entrants):
        key, losses = str(entrant.id), train_records(page, entrant.id)[:, 1]
        x, y = page.loss.summary()[key]
        assert x == 2 * IMAGES
        assert y == pytest.approx(averaged(losses))
        shares = [100 * record.test_accuracies[place] for record in tested]
        assert page.accuracy.lines[key].series.x.tolist() == [1, 2]
        assert page.accuracy.lines[key].series.y == pytest.approx(shares)
        row = cells(page, entrant.id)
        assert row["Entrant"] == entrant.label
        assert float(row["lr"]) == pytest.approx(entrant.optimizer.lr)
        assert float(row["Loss"]) == pytest.approx(averaged(losses), rel=1e-2)
        assert row["Test"] == f"{shares[-1]:.2f} %"


def test_the_first_race_learns_what_is_at_hand_and_follows_the_tab(page):
    assert page.panel.config.dataset == "builtin"
    page.set_dataset("kmnist")
    assert page.panel.config.dataset == "kmnist"
    page.open_preset("Momentum")
    assert page.panel.config.dataset == "kmnist"


def test_a_data_set_chosen_for_the_race_alone_stays(page):
    page.panel.form.change("dataset", "fashion-mnist", final=True)
    page.set_dataset("kmnist")
    assert page.panel.config.dataset == "fashion-mnist"


def test_an_edit_in_mid_race_acts_and_is_marked_where_it_did(qtbot, page):
    page.panel.open(PRESETS[FIRST].changed("dataset", "builtin").changed("epochs", 10_000))
    page.panel.start()
    qtbot.waitUntil(lambda: page.loss.summary().get("1", (0, 0))[0] > 0, timeout=10_000)
    page.panel.form.change("entrants.1.optimizer.lr", 0.003, final=True)
    qtbot.waitUntil(lambda: bool(page.loss.marks), timeout=10_000)
    page.panel.toggle()
    wait_for(qtbot, page, JobState.PAUSED)
    ((x, words),) = page.loss.marks
    assert page.note.what == words
    assert page.note.fate.startswith("applied at step ")
    assert words == "Momentum: lr 0.01 → 0.003"
    records = train_records(page, 1)
    changed = int((records[:, 2] == 0.003).argmax())
    assert changed > 0
    assert x == records[changed - 1, 0]
    assert page.accuracy.marks == [(pytest.approx(changed / -(-IMAGES // 64)), words)]
    assert cells(page, 1)["lr"] == "0.003"


def test_a_hidden_entrant_leaves_the_curves_and_no_mark(qtbot, page):
    begin(page, epochs=10_000)
    qtbot.waitUntil(lambda: page.loss.summary().get("0", (0, 0))[0] > 0, timeout=10_000)
    page.panel.form.change("entrants.0.visible", False, final=True)
    page.panel.form.change("entrants.1.label", "Heavy ball", final=True)
    qtbot.waitUntil(lambda: not page.panel.run_config.entrants[0].visible, timeout=5000)
    assert not page.loss.lines["0"].shown
    assert page.loss.lines["1"].label == "Heavy ball"
    assert page.loss.marks == []


def test_races_of_batch_sizes_are_drawn_over_images_or_steps(qtbot, page):
    page.open_preset("Batch 64 against 16")
    page.panel.start()
    wait_for(qtbot, page, JobState.FINISHED)
    assert {x for x, _ in page.loss.summary().values()} == {2 * IMAGES}
    before = page.loss.summary()
    page.curves.by_steps.click()
    assert page.loss.x_label == "step"
    steps = {key: x for key, (x, _) in page.loss.summary().items()}
    assert steps == {"0": 2 * -(-IMAGES // 64), "1": 2 * IMAGES // 16}
    page.curves.by_steps.click()
    assert page.loss.summary() == before
    page.curves.smooth.click()
    assert page.loss.lines["0"].series.y == pytest.approx(train_records(page, 0)[:, 1])


def test_an_edit_of_one_of_two_teams_is_marked_at_its_own_step(qtbot, page):
    page.panel.open(PRESETS["Batch 64 against 16"].changed("dataset", "builtin").changed("epochs", 10_000))
    page.panel.start()
    qtbot.waitUntil(lambda: page.loss.summary().get("1", (0, 0))[0] > 0, timeout=10_000)
    page.panel.form.change("entrants.1.scheduler", {"name": "None"})  # locked: acts at the next start
    page.panel.form.change("entrants.1.optimizer.momentum", 0.5, final=True)
    qtbot.waitUntil(lambda: bool(page.loss.marks), timeout=10_000)
    page.panel.toggle()
    wait_for(qtbot, page, JobState.PAUSED)
    ((images, words),) = page.loss.marks
    assert words == "Batch 16: momentum 0 → 0.5"
    page.curves.by_steps.click()
    ((steps, _),) = page.loss.marks
    assert steps > 0
    assert train_records(page, 1)[int(steps) - 1, 0] == images


def test_entrants_of_one_name_are_told_apart_by_their_numbers(page):
    items = [entrant.model_dump(mode="json") for entrant in page.panel.config.entrants]
    page.panel.form.change("entrants", [*items, {**items[0], "id": 7}], final=True)
    assert page.loss.lines["0"].label == "SGD"
    assert page.loss.lines["7"].label == "8 SGD"


def test_an_entrant_that_diverges_ends_with_a_cross_and_its_sentence(qtbot, page):
    entrants = [{"optimizer": {"name": "SGD", "lr": 0.1}}, {"optimizer": EXPLODING, "label": "Too fast"}]
    run(qtbot, page, entrants=entrants)
    assert page.loss.crossed == ("1",)
    losses = train_records(page, 1)[:, 1]
    stop = int(np.isfinite(losses).argmin())
    assert 0 < stop == len(page.loss.lines["1"].series)
    assert page.loss.y_range[1] < 3, "the others can still be seen"
    assert page.loss.summary()["0"][0] == 2 * IMAGES
    assert "1" not in page.accuracy.summary()
    row = cells(page, 1)
    assert row["lr"].startswith("The loss became")
    assert f"at step {stop + 1} " in row["lr"]
    assert row["Test"] == ""
    page.table.choose(1)
    qtbot.waitUntil(lambda: "out" in page.attack.toolTip(), timeout=5000)  # once its data were handed over
    assert not page.attack.isEnabled()
    assert row["lr"] in page.table.text()
    page.table.choose(0)
    assert page.attack.isEnabled()


def test_a_race_after_one_with_a_cross_begins_without_it(qtbot, page):
    entrants = [{"optimizer": EXPLODING}, {"optimizer": {"name": "SGD", "lr": 0.1}}]
    run(qtbot, page, entrants=entrants)
    assert page.loss.crossed == ("0",)
    page.panel.form.change("entrants.0.optimizer.lr", 0.1, final=True)
    page.panel.start()
    assert page.loss.crossed == ()
    qtbot.waitUntil(lambda: page.panel.state is JobState.RUNNING, timeout=5000)
    qtbot.waitUntil(lambda: page.panel.state is JobState.FINISHED, timeout=20_000)
    assert len(page.loss.lines["0"].series) == len(page.loss.lines["1"].series)


def test_the_network_of_the_chosen_entrant_is_handed_on(qtbot, page):
    assert not page.attack.isEnabled()
    run(qtbot, page)
    qtbot.waitUntil(lambda: page._digits is not None, timeout=5000)
    assert "Select" in page.attack.toolTip()
    page.table.choose(2)
    with qtbot.waitSignal(page.snapshot, timeout=5000) as heard:
        page.attack.click()
    snapshot, data = heard.args
    assert data.name == "builtin"
    assert f"{100 * snapshot.test_accuracy:.2f} %" == cells(page, 2)["Test"]
    network = network_of(snapshot)
    images = torch.from_numpy(data.test_images.copy()).float().div(255).unsqueeze(1)
    answers = network.eval()(images).argmax(1).numpy()
    assert (answers == data.test_labels).mean() == pytest.approx(snapshot.test_accuracy)


def test_the_table_sorts_by_its_numbers(qtbot, page):
    run(qtbot, page)
    page.table.table.sortByColumn(TITLES.index("Loss"), Qt.SortOrder.AscendingOrder)
    order, column = page.table.order, TITLES.index("Loss")
    found = [float(order.index(row, column).data()) for row in range(order.rowCount())]
    assert found == sorted(found)


def test_closing_while_it_runs_leaves_no_thread(qtbot, page):
    begin(page, epochs=10_000)
    wait_for(qtbot, page, JobState.RUNNING)
    page.close()
    close(page)


def test_another_race_is_chosen_only_when_none_goes_on(qtbot, page):
    begin(page, epochs=10_000)
    wait_for(qtbot, page, JobState.RUNNING)
    assert not page.preset.isEnabled()
    assert "Stop" in page.preset.toolTip()
    before = page.panel.config
    page.open_preset("Momentum")
    assert page.panel.config == before
    page.panel.stop()
    wait_for(qtbot, page, JobState.STOPPED)
    page.open_preset("Momentum")
    assert page.loss.summary() == {}
    assert page.loss.hint
    assert len(page.loss.lines) == len(PRESETS["Momentum"].entrants)


def test_edits_after_the_end_wait_for_the_next_race(qtbot, page):
    run(qtbot, page)
    page.panel.form.change("entrants.0.optimizer.lr", 0.5, final=True)
    items = [entrant.model_dump(mode="json") for entrant in page.panel.config.entrants]
    page.panel.form.change("entrants", items[1:], final=True)
    page.panel.form.change("entrants.0.optimizer.lr", 0.02, final=True)
    assert page.loss.marks == []
    assert page.panel.messages.sentence == ""
    assert len(page.loss.lines) == len(items)
    page.panel.start()
    wait_for(qtbot, page, JobState.FINISHED)
    assert tuple(page.loss.lines) == tuple(str(item["id"]) for item in items[1:])
    assert float(cells(page, items[1]["id"])["lr"]) == 0.02


def test_a_page_that_nobody_sees_paints_nothing(qtbot, page):
    page.hide()
    paints = page.loss.canvas.paints
    run(qtbot, page)
    assert page.loss.canvas.paints == paints
    page.show()
    assert page.loss.summary()["0"][0] == 2 * IMAGES
    assert cells(page, 0)["Test"].endswith("%")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_colours_follow_ids_and_the_look(qtbot, page, look):
    application = QApplication.instance()
    try:
        theme.apply(application, look)
        items = [entrant.model_dump(mode="json") for entrant in page.panel.config.entrants]
        page.panel.form.change("entrants", [*items[2:], items[0]], final=True)
        for key, line in page.loss.lines.items():
            assert page.loss.line_pen(line).color() == theme.racer_colour(int(key), page)
    finally:
        theme.apply(application, "light")
