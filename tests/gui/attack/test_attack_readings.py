"""The numbers at the right of the attack tab."""

import pytest

from optgui.core.attack import AttackConfig
from optgui.gui.attack.attack_readings import AttackReadings
from tests.gui.attack.attacked import learned
from tests.gui.attack.test_words import NAMES, RECORD, frame


@pytest.fixture
def numbers(qtbot):
    made = AttackReadings()
    qtbot.addWidget(made)
    made.show()
    return made


def fact(numbers, row):
    return numbers.facts.findChild(object, f"attack.facts.{row}").text()


def test_a_preview_is_called_one(numbers):
    numbers.show_record(AttackConfig(), RECORD._replace(step=1200, until=2000), preview=True)
    assert fact(numbers, "Iteration") == "1,200 of 2,000, preview"
    numbers.show_record(AttackConfig(), RECORD, preview=False)
    assert fact(numbers, "Iteration") == "3 of 40"


def test_restarts_are_counted(numbers):
    numbers.show_record(AttackConfig(restarts=3), RECORD._replace(restart=1), preview=False)
    assert fact(numbers, "Iteration") == "3 of 40, start 2"


def test_the_size_stands_beside_epsilon_or_alone(numbers):
    numbers.show_frame(AttackConfig(epsilon=2.0), frame(), NAMES)
    assert fact(numbers, "Perturbation") == "1.5 of 2 px"
    numbers.show_frame(AttackConfig.parse({"norm": "L0", "epsilon": 20}), frame(norm=12), NAMES)
    assert fact(numbers, "Perturbation") == "12 of 20 pixels"
    numbers.show_frame(AttackConfig.parse({"method": "DDN"}), frame(), NAMES)
    assert fact(numbers, "Perturbation") == "1.5 px, smallest"
    numbers.show_frame(AttackConfig.parse({"method": "DDN"}), frame(success=False), NAMES)
    assert fact(numbers, "Perturbation") == "1.5 px"


def test_when_it_was_fooled(numbers):
    numbers.show_frame(AttackConfig(), frame(step=1234), NAMES)
    assert numbers.fooled.value.text() == "1,234"
    assert numbers.fooled.caption.text() == "the network reads 3, 91 % sure"
    numbers.show_frame(AttackConfig(), frame(7, success=False), NAMES)
    assert (numbers.fooled.value.text(), numbers.fooled.caption.text()) == ("–", "not fooled yet")


def test_remarks_take_room_only_while_they_say_something(numbers):
    remarks = (numbers.note, numbers.flag, numbers.newer)
    assert not any(remark.isVisible() for remark in remarks)
    numbers.show_newer("run-2@9")
    numbers.show_config(AttackConfig(epsilon=0.0))
    numbers.show_record(AttackConfig(), RECORD._replace(gradient_norm=1e-7), preview=False)
    assert all(remark.isVisible() for remark in remarks)
    numbers.begin(AttackConfig(), learned())
    numbers.show_config(AttackConfig())
    assert not any(remark.isVisible() for remark in remarks)
    assert fact(numbers, "Network") == "run-0@32"
    assert fact(numbers, "Model").startswith("MLP 16")


def test_a_method_without_a_ball_has_no_epsilon_in_other_words(numbers):
    numbers.show_config(AttackConfig())
    assert numbers.equivalents.isVisible()
    numbers.show_config(AttackConfig.parse({"method": "DeepFool"}))
    assert not numbers.equivalents.isVisible()
