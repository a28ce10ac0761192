"""Forms: one row for each parameter, always a valid config, and what is locked says so."""

from typing import ClassVar

import pytest
from pydantic import create_model
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QWidget,
)

from optgui.core.attack import AttackConfig
from optgui.core.params import Config, EntryConfig, Kind, param, params_of
from optgui.core.registry import Entry, Registry
from optgui.core.surface import DescentConfig
from optgui.core.surface.config import MOST_RACERS
from optgui.core.training import DigitsConfig, TrainingConfig
from optgui.gui.form.editors import Editor
from optgui.gui.form.param_form import ParamForm, Preview
from tests.configs import another, chosen_entries, leaves

SUBJECTS = {
    "training": TrainingConfig,
    "surface": DescentConfig,
    "attack": AttackConfig,
    "digits": DigitsConfig,
}
NOT_ROWS = ("id", "visible")  # of a racer: its identity, and the eye on its card


class Heard:
    def __init__(self, form):
        self.edited, self.settled, self.refused = [], [], []
        form.edited.connect(lambda config, path: self.edited.append((path, config)))
        form.settled.connect(lambda config, path: self.settled.append((path, config)))
        form.refused.connect(self.refused.append)


@pytest.fixture
def make(qtbot):
    def build(config, prefix):
        form = ParamForm(config, prefix)
        qtbot.addWidget(form)
        form.show()
        return form

    return build


@pytest.fixture
def training(make):
    return make(TrainingConfig(), "training")


@pytest.fixture
def surface(make):
    return make(DescentConfig(), "surface")


def flush():
    """Let go of the widgets of replaced sections."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def find(form, kind, name):
    flush()
    (found,) = form.findChildren(kind, name)
    return found


def type_into(box, text):
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def choose(form, name, entry):
    """Choose an entry of a combo box as a person does."""
    box = find(form, QComboBox, name)
    index = box.findData(entry)
    box.setCurrentIndex(index)
    box.activated.emit(index)


def click(form, name):
    QTest.mouseClick(find(form, QAbstractButton, name), Qt.MouseButton.LeftButton)


def editor_name(prefix, path, config):
    """The object name of a field's editor; a racer is called by its id."""
    parts = path.split(".")
    if parts[0] == "racers":
        parts[:2] = ["racer", str(config.racers[int(parts[1])].id)]
    return ".".join([prefix, *parts, "editor"])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_field_of_every_config_has_an_editor_that_edits_it(make, subject):
    config = SUBJECTS[subject]()
    form = make(config, subject)
    for path, spec, value in leaves(config):
        if spec.name not in NOT_ROWS:
            editor = find(form, Editor, editor_name(subject, path, config))
            assert editor.value() == value
            editor.set_value(another(spec, value))
            editor.changed.emit(another(spec, value))
            assert {place: now for place, _, now in leaves(form.config)}[path] == another(spec, value)
            form.set_config(config)
            assert find(form, Editor, editor_name(subject, path, config)).value() == value


@pytest.mark.parametrize(
    ("cls", "name"),
    [pytest.param(*entry, id=f"{entry[0].__name__}-{entry[1]}") for entry in chosen_entries()],
)
def test_every_field_of_every_entry_has_an_editor(make, cls, name):
    wrap = create_model("Wrap", __base__=Config, entry=(cls, param({"name": name}, title="Entry", help="")))
    config = wrap()
    form = make(config, "wrap")
    assert find(form, QComboBox, "wrap.entry.name").currentData() == name
    for path, _, value in leaves(config):
        assert find(form, Editor, f"wrap.{path}.editor").value() == value


@pytest.mark.parametrize("subject", SUBJECTS)
def test_object_names_are_unique_and_labels_lead_to_their_editors(make, subject):
    form = make(SUBJECTS[subject](), subject)
    flush()
    names = [w.objectName() for w in form.findChildren(QWidget) if w.objectName().startswith(f"{subject}.")]
    assert len(set(names)) == len(names)
    buddies = [label for label in form.findChildren(QLabel) if label.buddy() is not None]
    assert len(buddies) == len(form.findChildren(Editor))


def test_what_is_typed_is_in_the_config_and_is_one_edit(training):
    heard = Heard(training)
    type_into(find(training, QDoubleSpinBox, "training.optimizer.lr"), "1e-3")
    assert training.config.optimizer.lr == 1e-3
    assert [path for path, _ in heard.edited] == [path for path, _ in heard.settled] == ["optimizer.lr"]
    assert heard.settled[0][1] is training.config


def test_a_drag_of_the_slider_is_many_edits_and_settles_once(training):
    heard = Heard(training)
    slider = find(training, QSlider, "training.optimizer.lr.1")
    slider.setSliderDown(True)
    for position in (700, 600, 500):
        slider.setSliderPosition(position)
    slider.setSliderDown(False)
    assert [config.optimizer.lr for _, config in heard.edited] == sorted(
        (config.optimizer.lr for _, config in heard.edited), reverse=True
    )
    assert (len(heard.edited), len(heard.settled)) == (3, 1)
    assert heard.settled[0][1] == training.config


def test_a_refused_text_stays_with_a_sentence_that_names_its_field(training):
    heard = Heard(training)
    before = training.config
    line = find(training, QLineEdit, "training.model.hidden")
    type_into(line, "0")
    assert heard.refused[-1] == "Hidden units: expected a list of whole numbers from 1 to 8192, got [0]"
    assert training.config is before
    assert line.text() == "0"
    assert line.toolTip() == heard.refused[-1]
    assert heard.edited == []


def test_what_is_no_list_is_refused_too(training):
    heard = Heard(training)
    type_into(find(training, QLineEdit, "training.model.hidden"), "many")
    assert heard.refused == ["Hidden units: expected numbers between commas such as 120, 60, got many"]


def test_a_value_refused_by_another_field_snaps_back(surface):
    heard = Heard(surface)
    surface.change("start", [1.0, float("nan")])
    assert heard.refused[0].startswith("start.1: expected 2 numbers")
    first, second = find(surface, Editor, "surface.start.editor").parts()
    assert (first.value(), second.value()) == surface.config.start


def live_above(config, path):
    """Whether a field that holds the one at `path` is live: then all inside it is."""
    name, _, rest = path.partition(".")
    specs = {spec.name: spec for spec in params_of(type(config))}
    if not rest or name not in specs or specs[name].kind is Kind.LIST:
        return False
    return specs[name].live or live_above(getattr(config, name), rest)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_while_locked_live_fields_move_and_the_others_say_when_they_act(make, subject):
    config = SUBJECTS[subject]()
    form = make(config, subject)
    for locked in (True, False, True):
        form.set_locked(locked)
        for path, spec, _ in leaves(config):
            if spec.name in NOT_ROWS:
                continue
            editor = find(form, Editor, editor_name(subject, path, config))
            live = spec.live or live_above(config, path)
            assert editor.isEnabledTo(form) == (live or not locked)
            assert ("Takes effect at the next start." in editor.toolTip()) == (locked and not live)
            assert spec.help in editor.toolTip()


def test_a_locked_entry_cannot_be_exchanged_but_a_live_one_can(training):
    training.set_locked(True)
    box = find(training, QComboBox, "training.model.name")
    assert not box.isEnabled()
    assert "Takes effect at the next start." in box.toolTip()
    assert find(training, QComboBox, "training.optimizer.name").isEnabled()
    training.set_locked(False)
    assert box.isEnabled()
    assert "next start" not in box.toolTip()


def test_a_section_made_while_locked_is_locked(training):
    training.set_locked(True)
    training.set_config(training.config.changed("model", {"name": "CNN"}))
    assert not find(training, Editor, "training.model.filters.editor").isEnabled()
    training.set_config(training.config.changed("optimizer", {"name": "Adam", "lr": 0.1}))
    assert find(training, Editor, "training.optimizer.amsgrad.editor").isEnabled()


def label_of(form, name):
    target = find(form, QWidget, name)
    return next(label for label in form.findChildren(QLabel) if label.buddy() is target)


@pytest.mark.parametrize(
    ("name", "path"), [("training.batch_size", "batch_size"), ("training.epochs", "epochs")]
)
def test_a_double_click_on_the_label_puts_the_default_back(training, name, path):
    default = getattr(training.config, path)
    type_into(find(training, QDoubleSpinBox, name), "7")
    heard = Heard(training)
    QTest.mouseDClick(label_of(training, name), Qt.MouseButton.LeftButton)
    assert getattr(training.config, path) == find(training, QDoubleSpinBox, name).value() == default
    assert [place for place, _ in heard.settled] == [path]


def test_a_double_click_does_nothing_to_a_locked_field(training):
    training.set_config(training.config.changed("model.hidden", (7,)))
    training.set_locked(True)
    QTest.mouseDClick(label_of(training, "training.model.hidden"), Qt.MouseButton.LeftButton)
    assert training.config.model.hidden == (7,)


def test_another_optimizer_brings_its_defaults_and_going_back_ones_own_values(training):
    type_into(find(training, QDoubleSpinBox, "training.optimizer.lr"), "0.25")
    type_into(find(training, QDoubleSpinBox, "training.optimizer.momentum"), "0.5")
    heard = Heard(training)
    choose(training, "training.optimizer.name", "Adam")
    assert training.config.optimizer.values == {
        "lr": 0.001,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0.0,
        "amsgrad": False,
        "decoupled_weight_decay": False,
    }
    assert find(training, QDoubleSpinBox, "training.optimizer.lr").value() == 0.001
    assert len(heard.settled) == 1
    type_into(find(training, QDoubleSpinBox, "training.optimizer.lr"), "0.02")
    choose(training, "training.optimizer.name", "SGD")
    assert (training.config.optimizer.lr, training.config.optimizer.momentum) == (0.25, 0.5)
    choose(training, "training.optimizer.name", "Adam")
    assert training.config.optimizer.lr == 0.02


def test_an_optimizer_that_cannot_be_used_is_listed_with_torchs_sentence(training):
    box = find(training, QComboBox, "training.optimizer.name")
    item = box.model().item(box.findData("SparseAdam"))
    assert not item.isEnabled()
    assert "does not support dense gradients" in item.toolTip()


def test_rare_fields_are_folded_away_at_first(training):
    assert not find(training, QDoubleSpinBox, "training.seed").isVisible()
    click(training, "training.more")
    assert find(training, QDoubleSpinBox, "training.seed").isVisible()
    click(training, "training.more")
    assert not find(training, QDoubleSpinBox, "training.seed").isVisible()


def test_a_field_is_shown_only_when_its_sibling_says_so(make):
    form = make(AttackConfig(), "attack")
    click(form, "attack.more")
    assert find(form, QAbstractButton, "attack.exact").isVisible()
    QTest.mouseClick(
        find(form, QAbstractButton, "attack.clip"), Qt.MouseButton.LeftButton, pos=middle_left(form)
    )
    assert not form.config.clip
    assert not find(form, QAbstractButton, "attack.exact").isVisible()


def test_a_field_is_shown_for_the_entries_that_use_it(make):
    form = make(AttackConfig(), "attack")
    assert find(form, QDoubleSpinBox, "attack.step_size").isVisible()
    form.change("method", "FGSM", final=True)
    assert not find(form, QDoubleSpinBox, "attack.step_size").isVisible()


def middle_left(form):
    point = find(form, QAbstractButton, "attack.clip").rect().center()
    point.setX(6)
    return point


def racer_ids(form):
    return [racer.id for racer in form.config.racers]


def test_racers_are_called_by_their_ids_whatever_comes_and_goes(surface):
    assert racer_ids(surface) == [0, 1, 2]
    click(surface, "surface.racers.add")
    assert racer_ids(surface) == [0, 1, 2, 3]
    assert surface.config.racers[3].optimizer == surface.config.racers[2].optimizer
    click(surface, "surface.racer.1.remove")
    assert racer_ids(surface) == [0, 2, 3]
    type_into(find(surface, QDoubleSpinBox, "surface.racer.3.optimizer.lr"), "0.25")
    assert [racer.optimizer.lr for racer in surface.config.racers] == [0.001, 0.05, 0.25]
    flush()
    assert surface.findChildren(QWidget, "surface.racer.1.optimizer.lr") == []
    click(surface, "surface.racers.add")
    assert racer_ids(surface) == [0, 2, 3, 4]


def test_adding_and_removing_a_racer_is_one_edit_each(surface):
    heard = Heard(surface)
    click(surface, "surface.racers.add")
    click(surface, "surface.racer.0.remove")
    assert [path for path, _ in heard.edited] == [path for path, _ in heard.settled] == ["racers", "racers"]


def test_the_last_racer_stays(surface):
    click(surface, "surface.racer.0.remove")
    click(surface, "surface.racer.1.remove")
    cross = find(surface, QAbstractButton, "surface.racer.2.remove")
    assert not cross.isEnabled()
    assert "one racer" in cross.toolTip()


def test_no_more_racers_than_there_may_be(surface):
    heard = Heard(surface)
    racer = surface.config.model_dump(mode="json")["racers"][0]
    surface.set_config(surface.config.changed("racers", [{**racer, "id": i} for i in range(MOST_RACERS)]))
    add = find(surface, QPushButton, "surface.racers.add")
    assert not add.isEnabled()
    assert str(MOST_RACERS) in add.toolTip()
    surface.change("racers", [{**racer, "id": i} for i in range(MOST_RACERS + 1)])
    assert len(surface.config.racers) == MOST_RACERS
    assert heard.refused == [f"racers: expected 1 to {MOST_RACERS} racers, got {MOST_RACERS + 1}"]


def test_the_eye_hides_a_path_and_shows_it_again(surface):
    eye = find(surface, QAbstractButton, "surface.racer.1.visible")
    for visible, word in ((False, "Show"), (True, "Hide")):
        QTest.mouseClick(eye, Qt.MouseButton.LeftButton)
        assert [racer.visible for racer in surface.config.racers] == [True, visible, True]
        assert eye.toolTip() == eye.accessibleName() == f"{word} this racer"


def test_another_optimizer_for_one_racer_leaves_the_others(surface):
    choose(surface, "surface.racer.1.optimizer.name", "RMSprop")
    assert [racer.optimizer.name for racer in surface.config.racers] == ["SGD", "RMSprop", "Adam"]
    assert find(surface, QDoubleSpinBox, "surface.racer.1.optimizer.alpha").value() == 0.99


def test_set_config_shows_everything_and_says_nothing(training):
    heard = Heard(training)
    config = TrainingConfig.parse(
        {
            "optimizer": {"name": "Adam", "lr": 0.3},
            "epochs": 5,
            "model": {"hidden": [7, 8]},
            "dataset": "builtin",
        }
    )
    training.set_config(config)
    assert training.config is config
    assert find(training, QDoubleSpinBox, "training.optimizer.lr").value() == 0.3
    assert find(training, QLineEdit, "training.model.hidden").text() == "7, 8"
    assert find(training, QComboBox, "training.dataset").currentData() == "builtin"
    assert (heard.edited, heard.settled, heard.refused) == ([], [], [])


def test_tab_goes_through_the_form_in_reading_order(training, qtbot):
    training.activateWindow()
    first = find(training, QComboBox, "training.optimizer.name")
    first.setFocus()
    qtbot.waitUntil(first.hasFocus)
    seen = []
    for _ in range(5):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        seen.append(QApplication.focusWidget().objectName())
    assert seen[:4] == [
        "training.optimizer.lr.1",
        "training.optimizer.lr",
        "training.optimizer.lr.x0.5",
        "training.optimizer.lr.x2",
    ]


def test_a_reset_puts_back_what_the_form_began_with_and_another_entry_its_own_default(qtbot):
    form = ParamForm(TrainingConfig(), "training")
    qtbot.addWidget(form)
    assert form.default("optimizer.lr", form.editor("optimizer.lr").spec) == 0.1
    form.choose("optimizer", "training.optimizer", form.config.optimizer, "Adam")
    assert form.default("optimizer.lr", form.editor("optimizer.lr").spec) == 0.001
    assert form.default("batch_size", form.editor("batch_size").spec) == 64


class Rows(Config):
    kind: str = param("a", title="Kind", help="", choices=(("a", "A"), ("b", "B")))
    depth: float = param(1.0, title="Depth", help="", low=0, high=9, shown_when=("kind", ("b",)))


class RowsConfig(EntryConfig):
    registry: ClassVar = Registry(Entry("Rows", "Rows", Rows), Entry("None", "Nothing", Config))


class Top(Config):
    entry: RowsConfig = param(RowsConfig(name="Rows"), title="Entry", help="", rare=True)
    length: int = param(5, title="Length", help="", low=1, high=9)


class Spy(Preview):
    def __init__(self):
        super().__init__()
        self.seen = []

    def show_entry(self, entry, config):
        self.seen.append((entry.values, config.length))


@pytest.fixture
def previewed(qtbot):
    form = ParamForm(Top(), "top", previews={RowsConfig: Spy})
    qtbot.addWidget(form)
    form.show()
    return form


def test_a_preview_follows_every_edit_of_its_entry_and_of_the_whole_config(previewed):
    spy = find(previewed, Spy, "top.entry.preview")
    assert spy.seen == [({"kind": "a", "depth": 1.0}, 5)]
    type_into(find(previewed, QDoubleSpinBox, "top.length"), "7")
    previewed.change("entry.kind", "b")
    assert spy.seen[1:] == [({"kind": "a", "depth": 1.0}, 7), ({"kind": "b", "depth": 1.0}, 7)]


def test_an_entry_without_parameters_has_no_preview(previewed):
    click(previewed, "top.entry.more")
    spy = find(previewed, Spy, "top.entry.preview")
    assert spy.isVisible()
    choose(previewed, "top.entry.name", "None")
    assert not spy.isVisible()
    assert find(previewed, QAbstractButton, "top.entry.more").text() == "Entry: Nothing"
    assert previewed.editor("entry.depth") is None


def test_a_row_of_an_entry_comes_and_goes_with_its_sibling(previewed):
    click(previewed, "top.entry.more")
    depth = find(previewed, QDoubleSpinBox, "top.entry.depth")
    assert not depth.isVisible()
    choose_value(previewed, "top.entry.kind", "b")
    assert depth.isVisible()
    choose_value(previewed, "top.entry.kind", "a")
    assert not depth.isVisible()


def choose_value(form, name, value):
    box = find(form, QComboBox, name)
    box.setCurrentIndex(box.findData(value))
