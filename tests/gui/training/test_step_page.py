import copy

import numpy as np
import pytest
import torch
from PySide6.QtWidgets import QApplication

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training.requests import Part, Unfold, Unfolded
from optgui.gui.training.loop_code import by_hand, with_torch
from optgui.gui.training.step_page import StepPage

GRADIENTS = np.random.default_rng(0).normal(size=(12, 28, 28)).astype(np.float32)
STEP = Unfolded(
    (
        Part("before", GRADIENTS, GRADIENTS, 1.5, 0.0),
        Part("optimizer.zero_grad()", None, GRADIENTS, 0.0, 0.0),
        Part("loss.backward()", 2 * GRADIENTS, GRADIENTS, 3.0, 0.0),
        Part("optimizer.step()", 2 * GRADIENTS, GRADIENTS, 3.0, 0.25),
    ),
    (),
)


@pytest.fixture
def page(qtbot):
    page = StepPage()
    qtbot.addWidget(page)
    page.resize(1000, 500)
    with qtbot.waitExposed(page):
        page.show()
    return page


def test_a_step_is_asked_for(page, qtbot):
    with qtbot.waitSignal(page.wanted) as wanted:
        page.button.click()
    assert wanted.args == [Unfold(units=12)]
    page.allow("LBFGS evaluates the loss several times a step")
    assert not page.button.isEnabled()
    assert "LBFGS" in page.button.toolTip()


def test_the_four_parts_say_what_each_line_leaves(page):
    assert "Press Unfold" in page.hint.text()
    page.show_step(STEP)
    assert page.hint.isHidden()
    assert [part.words for part in page.parts] == [
        ("‖p.grad‖ = 1.500", "weights as they were"),
        ("p.grad is None", "weights as they were"),
        ("‖p.grad‖ = 3.000", "weights as they were"),
        ("‖p.grad‖ = 3.000", "weights moved 0.2500"),
    ]


def test_all_gradients_have_one_scale(page):
    page.show_step(STEP)
    before, _, after, _ = (part.grab().toImage() for part in page.parts)
    assert before != after
    page.show_step(Unfolded(tuple(part._replace(gradients=GRADIENTS) for part in STEP.parts), ()))
    assert page.parts[2]._image == page.parts[0]._image


def test_a_line_that_is_forgotten_is_left_out(page):
    page.show_step(Unfolded((STEP.parts[0], *STEP.parts[2:]), ()))
    assert page.parts[1].words[0] == "left out"


def test_forgetting_is_said_and_written(page, qtbot):
    assert page.words.text().count(".") > 2
    with qtbot.waitSignal(page.forgot) as forgot:
        page.forget.click()
    assert forgot.args == [True]
    assert "pile up" in page.words.text()
    assert "forgotten" in page.hand.text()
    assert "# optimizer.zero_grad()  forgotten" in page.torch.text()
    with qtbot.assertNotEmitted(page.forgot):
        page.show_settings(OptimizerConfig.parse({"name": "Adam", "lr": 0.01}), zero_grad=True)
    assert not page.forget.isChecked()
    assert "torch.optim.Adam(" in page.torch.text()


def test_code_is_copied(page):
    page.torch.copy_button.click()
    assert QApplication.clipboard().text() == page.torch.text()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"weight_decay": 0.01},
        {"momentum": 0.9},
        {"momentum": 0.9, "weight_decay": 0.01, "nesterov": True},
    ],
)
@pytest.mark.parametrize("forgets", [False, True])
def test_the_loop_by_hand_does_what_the_one_with_torch_does(values, forgets):
    config = OptimizerConfig.parse({"name": "SGD", "lr": 0.1, **values})
    generator = torch.Generator().manual_seed(0)
    first = torch.nn.Linear(5, 3)
    batches = [
        (torch.randn(4, 5, generator=generator), torch.randint(3, (4,), generator=generator))
        for _ in range(6)
    ]
    networks = []
    for code in (by_hand(config, forgets=forgets), with_torch(config, forgets=forgets)):
        names = {
            "torch": torch,
            "network": copy.deepcopy(first),
            "batches": batches,
            "cross_entropy": torch.nn.functional.cross_entropy,
        }
        exec(code, names)
        networks.append(names["network"])
    for one, two in zip(*(network.parameters() for network in networks), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6)


def test_other_optimizers_show_their_rule():
    assert "# x ← x − lr g / √(v + ε)" in by_hand(
        OptimizerConfig.parse({"name": "TextbookRMSprop", "lr": 0.01})
    )


def test_on_a_narrow_page_nothing_of_the_code_is_cut_and_hovering_says_all(page):
    page.resize(680, 540)
    page.show_step(STEP)
    for block in (page.hand, page.torch):
        assert block.view.horizontalScrollBar().maximum() == 0
    assert page.parts[3].toolTip() == "optimizer.step()\n‖p.grad‖ = 3.000\nweights moved 0.2500"
    page.clear()
    assert page.parts[3].toolTip() == "optimizer.step()"
