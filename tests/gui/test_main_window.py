"""The real window: first paint, three tabs, keys, files, looks, and an end in the middle of anything."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QEventLoop, QSettings, Qt, QTimer
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QTabBar,
    QWidget,
)

from optgui.app import make_window
from optgui.core.training import digits
from optgui.gui import theme
from optgui.gui.main_window import SUBJECTS, MainWindow
from optgui.gui.settings import Settings
from optgui.jobs.messages import JobState
from tests.samples import made_up_digits


@pytest.fixture
def settings(tmp_path):
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


def built(settings):
    """A window with its tabs, on made-up digits."""
    window = MainWindow(settings)
    window.downloads = False
    window.resize(1280, 800)
    window.show()
    loop, limit = QEventLoop(), QTimer(singleShot=True, interval=10_000)
    window.ready.connect(loop.quit)
    limit.timeout.connect(lambda: loop.exit(1))
    limit.start()
    window.build_tabs("torch")
    assert loop.exec() == 0, "the tabs were not built in time"
    return window


@pytest.fixture(scope="module", autouse=True)
def _light(qapp):
    theme.apply(qapp, "light")


@pytest.fixture(autouse=True)
def _made_up_data(monkeypatch):
    monkeypatch.delenv("OPTGUI_DATA", raising=False)
    monkeypatch.delitem(digits._memory, "mnist", raising=False)  # of an earlier test
    monkeypatch.setitem(digits._memory, "builtin", made_up_digits())


@pytest.fixture
def window(qtbot, settings):
    """A window of the test's own."""
    made = built(settings)
    yield made
    end(made)


def end(window):
    """Close a window and let go of all of it: each one left would slow down the next look."""
    window.close()
    assert window.shutdown()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(scope="module")
def one_window(qapp, tmp_path_factory):
    file = str(tmp_path_factory.mktemp("settings") / "settings.ini")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OPTGUI_DATA", raising=False)
        patch.delitem(digits._memory, "mnist", raising=False)
        patch.setitem(digits._memory, "builtin", made_up_digits())
        made = built(Settings(QSettings(file, QSettings.Format.IniFormat)))
    yield made
    end(made)


@pytest.fixture
def shared(qtbot, one_window):
    """A window for tests that run nothing and leave it as it was."""
    wait_for(qtbot, one_window.surface, JobState.PAUSED)
    before = configs(one_window)
    one_window.go_to("surface")
    for subject in SUBJECTS:
        getattr(one_window, subject).panel.messages.dismiss()
    yield one_window
    assert configs(one_window) == before


def wait_for(qtbot, tab, *states):
    qtbot.waitUntil(lambda: tab.panel.state in states, timeout=10_000)


def train(qtbot, window, **config):
    """Train from start to end."""
    training = window.training
    training.open_config(type(training.panel.form.config).parse({"dataset": "builtin", **config}))
    training.panel.start()
    wait_for(qtbot, training, JobState.FINISHED)
    qtbot.waitUntil(lambda: window.shelf.current is not None)


def press(window, name):
    QTest.mouseClick(window.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def action(window, words):
    """The menu action whose text contains `words`."""
    found = [a for a in window.actions() + window.findChildren(type(window.menuBar().actions()[0]))]
    return next(a for a in found if words in a.text().replace("&", ""))


# The start


def test_the_first_paint_comes_before_torch_and_core_are_imported(tmp_path):
    program = """
import sys
from optgui.app import make_application
app = make_application()
from PySide6.QtCore import QSettings
from optgui.gui import theme
from optgui.gui.main_window import MainWindow
from optgui.gui.settings import Settings
theme.apply(app, "light")
window = MainWindow(Settings(QSettings(sys.argv[1], QSettings.Format.IniFormat)))
window.first_painted.connect(app.quit)
window.show()
app.exec()
slow = ("torch", "torchvision", "numpy", "pyqtgraph", "pydantic", "optgui.core", "optgui.jobs")
print("painted", *(name for name in slow if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "settings.ini")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "painted"


@pytest.mark.parametrize("remembered", [0, 1, 2])
def test_loading_starts_whichever_tab_was_last_on_screen(qtbot, settings, remembered):
    settings.remember("tab", remembered)
    window = MainWindow(settings)
    qtbot.addWidget(window)
    with qtbot.waitSignal(window.first_painted, timeout=5000):
        window.show()
    assert window.tabs.currentIndex() == remembered
    assert window.tab is None


def test_the_program_builds_its_tabs_by_itself(qtbot, qapp, monkeypatch, settings):
    monkeypatch.setitem(digits._memory, "builtin", made_up_digits())
    window = make_window(qapp, settings)
    window.downloads = False
    qtbot.addWidget(window)
    with qtbot.waitSignal(window.ready, timeout=20_000):
        window.show()
    assert None not in (window.surface, window.training, window.attack)
    window.close()
    assert window.shutdown()


def test_when_torch_cannot_be_loaded_every_page_says_why(qtbot, settings):
    window = MainWindow(settings)
    qtbot.addWidget(window)
    window.show()
    window.fail_loading("torch could not be loaded: ImportError: no torch", "Traceback ...")
    for index in range(3):
        window.tabs.setCurrentIndex(index)
        assert "no torch" in window.tabs.currentWidget().findChild(QLabel).text()
    window.close()
    assert window.shutdown()


def test_a_window_closed_before_its_tabs_are_built_ends(qtbot, settings):
    window = MainWindow(settings)
    qtbot.addWidget(window)
    window.show()
    window.build_tabs("torch")
    window.close()
    assert window.shutdown()
    QApplication.processEvents()
    assert window.surface is None


def test_each_tab_begins_with_something_to_look_at_and_one_button_to_press(qtbot, shared):
    wait_for(qtbot, shared.surface, JobState.PAUSED)
    for subject in SUBJECTS:
        shared.go_to(subject)
        start = shared.findChild(QPushButton, f"{subject}.start")
        assert start.isVisible()
        assert start.isEnabled()
        assert start.text() == "Start"
    assert shared.training.loss.hint
    assert shared.attack.loss.hint


def test_a_race_that_waits_says_what_will_happen(shared):
    assert "Press Start" in shared.surface.pictures.hint


# Names and keys


WAITING = "message.action"  # gets its words with the message that offers it


def unnamed(root):
    kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QSlider, QLineEdit)
    inner = (QAbstractSpinBox, QComboBox, QTabBar)
    bad = []
    for widget in root.findChildren(QWidget):
        name = widget.objectName()
        if not isinstance(widget, kinds) or name.startswith("qt_") or name.endswith(WAITING):
            continue
        if isinstance(widget.parent(), inner):
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if not interface or not interface.text(QAccessible.Text.Name).strip():
            bad.append(f"{type(widget).__name__} {widget.objectName()}")
    return bad


def test_every_control_has_a_name_for_the_screen_reader(shared):
    assert unnamed(shared) == []


def test_every_button_says_what_it_does(shared):
    buttons = [b for b in shared.findChildren(QAbstractButton) if "." in b.objectName()]
    spoken = [
        b
        for b in buttons
        if b.text() or b.toolTip() or b.accessibleName() or b.objectName().endswith(WAITING)
    ]
    assert len(buttons) > 30
    assert [b.objectName() for b in buttons if b not in spoken] == []


def test_object_names_are_unique(shared):
    names = [w.objectName() for w in shared.findChildren(QWidget) if "." in w.objectName()]
    assert len(names) > 50
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_controls_are_called_by_subject_and_field(shared):
    for name in (
        "surface.racer.0.optimizer.lr",
        "training.optimizer.lr",
        "training.model.hidden",
        "attack.epsilon",
    ):
        assert shared.findChild(QWidget, name) is not None


def test_ctrl_and_a_number_go_to_the_tabs(qtbot, shared):
    shared.activateWindow()
    for key, subject in ((Qt.Key.Key_3, "attack"), (Qt.Key.Key_1, "surface"), (Qt.Key.Key_2, "training")):
        QTest.keyClick(shared, key, Qt.KeyboardModifier.ControlModifier)
        assert shared.tab.panel.subject == subject


def test_keys_start_pause_step_and_stop_the_tab_on_screen(qtbot, window):
    window.activateWindow()
    window.go_to("training")
    QTest.keyClick(window, Qt.Key.Key_F6)
    wait_for(qtbot, window.training, JobState.PAUSED)
    QTest.keyClick(window, Qt.Key.Key_F5)
    wait_for(qtbot, window.training, JobState.RUNNING)
    QTest.keyClick(window, Qt.Key.Key_F5, Qt.KeyboardModifier.ShiftModifier)
    wait_for(qtbot, window.training, JobState.STOPPED, JobState.FINISHED)
    assert window.surface.panel.state is JobState.PAUSED


def test_the_sides_fold_and_come_back(shared):
    for subject in SUBJECTS:
        shared.go_to(subject)
        for words, side in (("Fold controls", shared.tab.controls), ("Fold readings", shared.tab.readings)):
            action(shared, words).trigger()
            assert not side.isVisible()
            action(shared, words).trigger()
            assert side.isVisible()


# Looks


def colours_of(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)[::2, ::2] & 0xFFFFFF
    return {f"#{colour:06x}" for colour in np.unique(pixels)}


def test_every_tab_takes_the_colours_of_the_look(qtbot, shared):
    wait_for(qtbot, shared.surface, JobState.PAUSED)
    for choice, tokens, other in (
        ("dark", theme.DARK, theme.LIGHT),
        ("light", theme.LIGHT, theme.DARK),
    ):
        shared.set_look(choice)
        for subject in SUBJECTS:
            shared.go_to(subject)
            QApplication.processEvents()
            seen = colours_of(shared.tabs.currentWidget())
            assert {tokens.panel.lower(), tokens.plot.lower()} <= seen
            assert other.window.lower() not in seen
            assert len(seen) > 10
        assert shared.settings.word("look", ("light", "dark"), "") == choice


# Configs in files


def put(tmp_path, data):
    path = tmp_path / "mine.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def configs(window):
    return {subject: getattr(window, subject).panel.form.config for subject in SUBJECTS}


@pytest.mark.parametrize(
    ("data", "path", "value"),
    [
        ({"subject": "training", "dataset": "builtin", "batch_size": 32}, "batch_size", 32),
        ({"subject": "surface", "surface": {"name": "Himmelblau"}, "steps": 77}, "steps", 77),
        ({"subject": "attack", "norm": "Linf", "epsilon": 0.1}, "epsilon", 0.1),
    ],
)
def test_a_config_file_fills_the_form_of_its_tab(shared, tmp_path, data, path, value):
    before = configs(shared)
    shared.open_file(put(tmp_path, data))
    tab = getattr(shared, data["subject"])
    assert shared.tab is tab
    assert getattr(tab.panel.form.config, path) == value
    assert shared.findChild(QAbstractSpinBox, f"{data['subject']}.{path}").value() == value
    assert all(configs(shared)[other] == before[other] for other in SUBJECTS if other != data["subject"])
    tab.panel.edits.undo()
    assert configs(shared) == before


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("no json", "mine.json: expected a config in JSON"),
        ("[1, 2]", "mine.json: expected a config in JSON, got expected an object with named fields"),
        ({"batch_size": 32}, "subject: expected one of surface, training, attack, got None"),
        ({"subject": "weather"}, "subject: expected one of surface, training, attack, got 'weather'"),
        ({"subject": "training", "learning_rate": 1}, "learning_rate: unknown field"),
        (
            '{"subject": "training", "optimizer": {"name": "SGD", "lr": NaN}}',
            "optimizer.lr: expected a number",
        ),
        (
            '{"subject": "training", "optimizer": {"name": "SGD", "lr": 1e999}}',
            "optimizer.lr: expected a number",
        ),
        ('{"subject": "attack", "epsilon": -1e999}', "epsilon: expected a number"),
        ({"subject": "training", "batch_size": "many"}, "batch_size: expected a whole number"),
        ({"subject": "surface", "racers": []}, "racers: expected 1 to 24 racers, got 0"),
    ],
)
def test_a_wrong_file_changes_nothing_and_a_sentence_says_why(shared, tmp_path, data, sentence):
    before, shown = configs(shared), shared.tabs.currentIndex()
    shared.open_file(put(tmp_path, data))
    assert sentence in shared.tab.panel.messages.sentence
    assert configs(shared) == before
    assert shared.tabs.currentIndex() == shown


def test_a_file_that_is_not_there_or_no_text_is_named(shared, tmp_path):
    shared.open_file(tmp_path / "gone.json")
    assert shared.tab.panel.messages.sentence.startswith("gone.json: expected a config in JSON")
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\xff\xfe")
    shared.open_file(tmp_path / "picture.json")
    assert shared.tab.panel.messages.sentence.startswith("picture.json: expected a config in JSON")


def test_a_file_opened_while_torch_is_loading_waits_for_its_tab(qtbot, qapp, monkeypatch, settings, tmp_path):
    monkeypatch.setitem(digits._memory, "builtin", made_up_digits())
    window = MainWindow(settings)
    window.downloads = False
    qtbot.addWidget(window)
    window.open_file(put(tmp_path, {"subject": "attack", "epsilon": 0.5}))
    with qtbot.waitSignal(window.ready, timeout=10_000):
        window.build_tabs("torch")
    assert window.attack.panel.form.config.epsilon == 0.5
    window.close()
    assert window.shutdown()


def test_a_saved_config_opens_as_it_was(window, tmp_path, monkeypatch):
    path = tmp_path / "saved.json"
    window.go_to("training")
    window.training.panel.form.change("epochs", 7, final=True)
    before = configs(window)
    monkeypatch.setattr(
        "optgui.gui.main_window.QFileDialog.getSaveFileName", lambda *_: (str(path), "Configs (*.json)")
    )
    action(window, "Save config").trigger()
    assert json.loads(path.read_text())["subject"] == "training"
    action(window, "Reset this tab").trigger()
    assert configs(window) != before
    window.open_file(path)
    assert configs(window) == before


# What the tabs do together


def test_an_edit_in_mid_race_redraws_the_whole_path_and_the_race_plays_on(qtbot, window):
    surface = window.surface
    surface.playback.speed = 2.0
    surface.panel.start()
    qtbot.waitUntil(lambda: surface.playback.step > 3, timeout=5000)
    before = surface.race.frame.paths[0, :3].copy()
    surface.panel.form.change("racers.0.optimizer.lr", 0.0005, final=True)
    qtbot.waitUntil(lambda: surface.race.frame.config.racers[0].optimizer.lr == 0.0005, timeout=5000)
    assert surface.panel.state is JobState.RUNNING
    assert not np.array_equal(surface.race.frame.paths[0, :3], before)
    surface.playback.speed = 100.0
    wait_for(qtbot, surface, JobState.FINISHED)
    assert surface.playback.step == 500
    assert {x for x, _ in surface.loss.summary().values()} == {500.0}


def test_training_shows_its_results_and_puts_the_network_on_the_shelf(qtbot, window):
    window.go_to("training")
    train(qtbot, window, epochs=2)
    training = window.training
    assert training.steps_done == 64
    snapshot = window.shelf.current
    assert snapshot.step == 64
    assert training.figure.value.text() == f"{100 * snapshot.test_accuracy:.2f} %"
    assert set(training.loss.summary()) == {"batch", "test"}
    assert [x for x, _ in training.loss.summary().values()] == [64.0, 64.0]


def test_test_now_measures_the_network_as_it_stands(qtbot, window):
    training = window.training
    window.go_to("training")
    assert not training.numbers.evaluate.isEnabled()
    training.panel.start(paused=True)
    wait_for(qtbot, training, JobState.PAUSED)
    while training.steps_done < 3:
        before = training.steps_done
        training.panel.step()
        qtbot.wait(20) if training.steps_done == before else None
    press(window, "training.evaluate")
    qtbot.waitUntil(lambda: training.figure.value.text().endswith("%"), timeout=5000)
    assert training.panel.state is JobState.PAUSED


def test_an_attack_without_a_network_offers_to_train_one_and_then_runs(qtbot, window):
    window.go_to("attack")
    press(window, "attack.start")
    assert "no network to fool yet" in window.attack.panel.messages.sentence
    assert window.attack.panel.state is JobState.IDLE
    press(window, "attack.message.action")
    assert window.tab is window.training
    wait_for(qtbot, window.attack, JobState.FINISHED)
    assert window.tab is window.attack
    assert window.attack.summary()["network"] == window.shelf.current.id


def test_another_digit_is_attacked_at_once(qtbot, window):
    train(qtbot, window, epochs=1)
    window.go_to("attack")
    attack = window.attack
    attack.panel.start()
    wait_for(qtbot, attack, JobState.FINISHED)
    started = []
    attack.panel.started.connect(started.append)
    attack.choose_digit(3)
    qtbot.waitUntil(lambda: len(started) == 1)
    wait_for(qtbot, attack, JobState.FINISHED)


def test_every_preset_of_the_attack_runs(qtbot, window):
    train(qtbot, window, epochs=1)
    window.go_to("attack")
    for index in range(window.attack.presets.count()):
        name = window.attack.presets.itemText(index)
        window.attack.choose_preset(name)
        assert window.attack.presets.currentText() == name
        window.attack.panel.start()
        wait_for(qtbot, window.attack, JobState.RUNNING, JobState.FINISHED)
        window.attack.panel.stop()
        wait_for(qtbot, window.attack, JobState.STOPPED, JobState.FINISHED)
        assert window.attack.panel.messages.sentence == ""


def test_every_surface_can_be_raced_on(qtbot, window):
    form = window.surface.panel.form
    box = window.findChild(QComboBox, "surface.surface.name")
    for index in range(box.count()):
        box.setCurrentIndex(index)
        box.activated.emit(index)
        assert form.config.surface.name == box.currentData()
        form.set_config(form.config.changed("steps", 20))
        window.surface.playback.speed = 100.0
        window.surface.panel.start()
        wait_for(qtbot, window.surface, JobState.FINISHED)
        assert window.surface.panel.messages.sentence == ""


# The end


def begin_race(qtbot, window):
    window.surface.panel.form.set_config(window.surface.panel.form.config.changed("steps", 100_000))
    window.surface.panel.start()
    wait_for(qtbot, window.surface, JobState.RUNNING)


def begin_training(qtbot, window):
    training = window.training
    training.open_config(type(training.panel.form.config).parse({"dataset": "builtin", "epochs": 10_000}))
    training.panel.start()
    qtbot.waitUntil(lambda: training.steps_done > 0, timeout=10_000)


def begin_attack(qtbot, window):
    train(qtbot, window, epochs=1)
    window.attack.panel.form.set_config(window.attack.panel.form.config.changed("steps", 1_000_000))
    window.attack.panel.start()
    wait_for(qtbot, window.attack, JobState.RUNNING)


@pytest.mark.parametrize(
    "begin",
    [(), (begin_race,), (begin_training,), (begin_attack,), (begin_attack, begin_race, begin_training)],
)
def test_closing_in_the_middle_ends_every_job(qtbot, window, begin):
    for start in begin:
        start(qtbot, window)
    window.close()
    assert not window.isVisible()
    assert window.shutdown()


def test_window_remembers_tab_and_size(qtbot, window, settings):
    window.go_to("attack")
    window.resize(window.width(), 600)  # the width may be more than the offscreen screen has
    window.close()
    again = MainWindow(settings)
    qtbot.addWidget(again)
    assert (again.tabs.currentIndex(), again.height()) == (2, 600)
