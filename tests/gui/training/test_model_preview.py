"""How many numbers a network learns, and which of them Muon steps."""

import itertools

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training import TrainingConfig
from optgui.core.training.models import ModelConfig
from optgui.gui.form.param_form import ParamForm
from optgui.gui.training.model_preview import ModelPreview, OptimizerPreview


@pytest.fixture
def make(qtbot):
    def build(**config):
        previews = {ModelConfig: ModelPreview, OptimizerConfig: OptimizerPreview}
        form = ParamForm(TrainingConfig.parse(config), "training", previews=previews)
        qtbot.addWidget(form)
        form.show()
        return form.findChild(ModelPreview), form.findChild(OptimizerPreview), form

    return build


def perceptron(*widths):
    """Parameters of a fully connected network, written out with torch."""
    sizes = [784, *widths, 10]
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    return f"{sum(p.numel() for layer in layers for p in layer.parameters()):,} parameters"


def test_the_count_follows_the_hidden_sizes_as_they_are_typed(make):
    model, _, form = make()
    assert model.words == model.accessibleName() == perceptron(120) == "95,410 parameters"
    (line,) = form.editor("model.hidden").parts()
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, "256, 64")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert model.words == perceptron(256, 64)


@pytest.mark.parametrize("refused", ["0", "120, -3", "x"])
def test_refused_sizes_leave_the_count_as_it_was(make, refused):
    model, _, form = make()
    (line,) = form.editor("model.hidden").parts()
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, refused)
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert form.config.model.hidden == (120,)  # the field keeps what was typed, to be mended
    assert model.words == perceptron(120)


def test_every_model_says_its_count(make):
    model, _, form = make()
    form.change("model", {"name": "Softmax"}, final=True)
    form.set_config(form.config)
    assert not model.isHidden()
    assert model.words == perceptron() == "7,850 parameters"


def test_muon_says_which_weights_it_leaves_to_adamw_and_follows_the_model(make):
    _, optimizer, form = make(optimizer="Muon")
    assert not optimizer.isHidden()
    assert (
        optimizer.words == "Muon: linear1.weight (94,080). AdamW: linear1.bias, linear2.weight, "
        "linear2.bias (1,330)."
    )
    form.change("model.hidden", (64,))
    assert optimizer.words.startswith("Muon: linear1.weight (50,176).")


def test_other_optimizers_say_nothing(make):
    _, optimizer, form = make()
    assert optimizer.isHidden()
    form.choose("optimizer", "training.optimizer", form.config.optimizer, "Muon")
    assert not optimizer.isHidden()
    form.choose("optimizer", "training.optimizer", form.config.optimizer, "Adam")
    assert optimizer.isHidden()


def test_an_edit_of_the_rate_does_not_look_at_the_network_again(make, monkeypatch):
    _, optimizer, form = make(optimizer="Muon")
    monkeypatch.setattr("optgui.gui.training.model_preview.stated", lambda *_: "asked again")
    form.change("optimizer.lr", 0.5)
    assert optimizer.words.startswith("Muon:")
