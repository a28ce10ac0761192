"""What a run says to its form: controls that do nothing now, held choices, previews that edit, factors."""

from typing import ClassVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QToolButton

from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Entry, Registry
from optgui.core.training import TrainingConfig
from optgui.gui.form.numbers import NumberBox
from optgui.gui.form.param_form import ParamForm, Preview
from optgui.gui.form.widgets import Remark

NOTE = "Rprop's rate acts at the first step only."


class RateConfig(Config):
    lr: float = param(
        0.1, title="Rate", help="A rate.", above=0, high=1, scale="log", slider=(1e-3, 1), factors=(0.5, 2)
    )


class CurveParams(Config):
    places: tuple[int, ...] = param((1,), title="Places", help="", low=1)
    gamma: float = param(0.1, title="Gamma", help="", low=0, high=1)


class FlatParams(Config):
    level: float = param(1.0, title="Level", help="", low=0, high=1)


class CurveConfig(EntryConfig):
    registry: ClassVar[Registry] = Registry(
        Entry("Steps", "Steps", CurveParams, help=""), Entry("Flat", "Flat", FlatParams, help="")
    )


class PlanConfig(Config):
    curve: CurveConfig = param({"name": "Steps"}, title="Curve", help="")


@pytest.fixture
def make(qtbot):
    def build(config, prefix="plan", **previews):
        form = ParamForm(config, prefix, **previews)
        qtbot.addWidget(form)
        form.heard = []
        form.edited.connect(lambda config, path: form.heard.append(("edited", path)))
        form.settled.connect(lambda config, path: form.heard.append(("settled", path)))
        form.show()
        return form

    return build


def said(form):
    return [r.text() for r in form.findChildren(Remark) if r.text() and not r.isHidden()]


def choose(form, name, entry):
    box = form.findChild(QComboBox, name)
    box.setCurrentIndex(box.findData(entry))
    box.activated.emit(box.currentIndex())
    return box


@pytest.mark.parametrize(("factor", "wanted"), [("0.5", 0.05), ("2", 0.2)])
def test_a_factor_is_one_gesture(make, factor, wanted):
    form = make(RateConfig(), "rate")
    button = form.findChild(QToolButton, f"rate.lr.x{factor}")
    assert button.accessibleName() == button.toolTip() == f"Rate × {factor}"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert form.config.lr == form.editor("lr").value() == wanted
    assert form.heard == [("edited", "lr"), ("settled", "lr")]


def test_factors_stop_at_the_bounds_and_lead_back(make):
    form = make(RateConfig(), "rate")
    for _ in range(5):
        QTest.mouseClick(form.findChild(QToolButton, "rate.lr.x2"), Qt.MouseButton.LeftButton)
    assert form.config.lr == 1
    assert form.heard.count(("settled", "lr")) == 4  # the fifth changes nothing
    QTest.mouseClick(form.findChild(QToolButton, "rate.lr.x0.5"), Qt.MouseButton.LeftButton)
    assert form.config.lr == 0.5


def test_a_field_without_factors_has_no_buttons(make):
    assert make(PlanConfig()).findChildren(QToolButton) == []


def test_a_note_stands_below_its_row_and_in_its_tooltip_until_it_is_taken_back(make):
    form = make(TrainingConfig.parse({"optimizer": "Rprop"}), "training")
    editor = form.editor("optimizer.lr")
    label = next(w for w in form.findChildren(QLabel) if w.buddy() is editor.parts()[0])
    before = editor.toolTip()
    form.set_notes({"optimizer.lr": NOTE})
    assert said(form) == [NOTE]
    assert editor.toolTip() == f"{before}\n{NOTE}"
    assert NOTE in editor.parts()[0].accessibleDescription()
    assert label.property("role") == "muted"
    assert editor.isEnabled()  # what is set acts later
    form.set_notes({"optimizer.lr": "Something else."})
    assert said(form) == ["Something else."]
    form.set_notes({})
    assert said(form) == []
    assert editor.toolTip() == before
    assert label.property("role") is None


def test_a_locked_field_with_a_note_says_both(make):
    form = make(TrainingConfig(), "training")
    form.set_locked(True)
    form.set_notes({"model.dropout": "Nothing to drop.", "model.hidden": "Of no use."})
    assert "next start" in form.editor("model.hidden").toolTip()
    assert "Of no use." in form.editor("model.hidden").toolTip()
    form.set_locked(False)
    assert "next start" not in form.editor("model.hidden").toolTip()
    assert "Of no use." in form.editor("model.hidden").toolTip()


def test_the_choice_of_an_entry_can_have_a_note_and_loses_it_with_the_entry(make):
    form = make(PlanConfig())
    form.set_notes({"curve.name": "It is over.", "curve.gamma": "Not now."})
    assert said(form) == ["It is over.", "Not now."]
    choose(form, "plan.curve.name", "Flat")
    assert said(form) == []


def test_a_note_wraps_within_a_narrow_form(make):
    form = make(TrainingConfig.parse({"optimizer": "Rprop"}), "training")
    form.resize(320, 900)
    form.set_notes({"optimizer.lr": " ".join([NOTE] * 4)})
    QTest.qWait(0)
    (note,) = [r for r in form.findChildren(Remark) if r.text()]
    assert note.height() >= note.fontMetrics().boundingRect(
        0, 0, note.width(), 1000, Qt.TextFlag.TextWordWrap, note.text()
    ).height() > 2 * note.fontMetrics().height()  # fmt: skip


def test_a_gate_holds_a_choice_back_and_its_owner_makes_it_later(make):
    form = make(PlanConfig())
    form.change("curve.gamma", 0.7)
    asked = []
    form.gate = lambda *asking: asked.append(asking)
    form.heard.clear()
    box = choose(form, "plan.curve.name", "Flat")
    assert asked == [("curve", "Steps", "Flat")]
    assert box.currentData() == form.config.curve.name == "Steps"
    assert form.heard == []
    form.change("curve", {**form.remembered("curve", "Flat"), "level": 0.25}, final=True)
    form.set_config(form.config)
    assert box.currentData() == "Flat"
    assert form.editor("curve.level").value() == form.config.curve.level == 0.25
    assert form.remembered("curve", "Steps") == {"name": "Steps", "places": (1,), "gamma": 0.7}


def test_a_gate_that_agrees_changes_nothing_else(make):
    form = make(PlanConfig())
    form.gate = lambda path, old, new: True
    choose(form, "plan.curve.name", "Flat")
    assert form.config.curve.name == "Flat"
    assert form.heard == [("edited", "curve"), ("settled", "curve")]


class Picture(Preview):
    def show_entry(self, entry, config):
        self.entry = entry
        self.warned.emit("Too far." if max(entry.values.get("places", (1,))) > 9 else "")

    def lock(self, locked):
        self.locked = locked


def test_a_preview_edits_its_entry_and_the_editors_follow(make):
    form = make(PlanConfig(), previews={CurveConfig: Picture})
    picture = form.findChild(Picture)
    picture.changed.emit("places", (2, 3), False)
    assert form.config.curve.places == form.editor("curve.places").value() == (2, 3)
    assert form.editor("curve.places").parts()[0].text() == "2, 3"
    assert picture.entry == form.config.curve
    picture.changed.emit("places", (2, 4), True)
    assert form.heard == [("edited", "curve.places")] * 2 + [("settled", "curve.places")]


def test_what_a_preview_wants_and_the_config_refuses_snaps_back(make):
    form = make(PlanConfig(), previews={CurveConfig: Picture})
    refused = []
    form.refused.connect(refused.append)
    picture = form.findChild(Picture)
    picture.changed.emit("places", (0,), True)
    assert len(refused) == 1
    assert picture.entry.places == form.config.curve.places == (1,)


def test_what_a_preview_warns_of_stands_below_its_section(make):
    form = make(PlanConfig(), previews={CurveConfig: Picture})
    assert said(form) == []
    form.change("curve.places", (12,))
    assert said(form) == ["Too far."]
    assert form.findChild(Remark, "plan.curve.warning").property("role") == "warning"
    choose(form, "plan.curve.name", "Flat")
    assert said(form) == []


def test_a_preview_hears_whether_a_running_job_takes_its_entry(make):
    form = make(PlanConfig(), previews={CurveConfig: Picture})
    picture = form.findChild(Picture)
    assert not picture.locked
    form.set_locked(True)
    assert picture.locked


def test_an_editor_follows_what_its_owner_changes(make):
    form = make(PlanConfig())
    form.change("curve.gamma", 0.5, final=True)
    assert form.editor("curve.gamma").value() == 0.5


@pytest.mark.parametrize(
    ("optimizer", "name", "text", "sentence"),
    [
        ("SGD", "training.optimizer.momentum", "-1", "Momentum: expected a number >= 0 and < 1, got -1"),
        ("Adam", "training.optimizer.betas.0", "1.0", "Betas: expected 2 numbers >= 0 and < 1, got 1.0"),
    ],
)
def test_a_number_out_of_bounds_snaps_back_with_its_reason(qtbot, optimizer, name, text, sentence):
    form = ParamForm(TrainingConfig.parse({"optimizer": {"name": optimizer}}), "training")
    qtbot.addWidget(form)
    form.show()
    box, refused = form.findChild(NumberBox, name), []
    form.refused.connect(refused.append)
    before, config = box.text(), form.config
    box.selectAll()
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert refused == [sentence]
    assert (box.text(), form.config) == (before, config)
    box.selectAll()
    qtbot.keyClicks(box, "0.5")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert refused == [sentence]
    assert box.value() == 0.5
