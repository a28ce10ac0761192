"""Cards of a list: copied, moved, folded and taken away, each with its own id, colour and names."""

from typing import ClassVar

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QLabel,
    QWidget,
)

from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Entry, Registry
from optgui.core.surface import DescentConfig
from optgui.core.surface.config import MOST_RACERS
from optgui.gui.form.param_form import ParamForm
from optgui.gui.history import Gesture, History


class Sweet(Config):
    sugar: float = param(0.5, title="Sugar", help="", low=0, high=1)


class TasteConfig(EntryConfig):
    registry: ClassVar = Registry(Entry("Sweet", "Sweet thing", Sweet), Entry("None", "Nothing", Config))


class Fruit(Config):
    taste: TasteConfig = param(TasteConfig(name="Sweet"), title="Taste", help="")
    count: int = param(3, title="Count", help="", low=1, high=9)


class Basket(Config):
    fruits: tuple[Fruit, ...] = param((Fruit(), Fruit(count=5)), title="Fruits", help="", low=1, high=3)


@pytest.fixture
def make(qtbot):
    def build(config, prefix="surface"):
        form = ParamForm(config, prefix)
        qtbot.addWidget(form)
        form.show()
        return form

    return build


@pytest.fixture
def surface(make):
    return make(DescentConfig())


def flush():
    """Lay out new cards, let go of those of racers that have left."""
    QApplication.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def find(form, kind, name):
    flush()
    (found,) = form.findChildren(kind, name)
    return found


def click(form, name):
    QTest.mouseClick(find(form, QAbstractButton, name), Qt.MouseButton.LeftButton)


def type_into(box, text):
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def ids(form):
    return [racer.id for racer in form.config.racers]


def cards(form):
    """From top to bottom."""
    flush()
    found = [card for card in form.findChildren(QFrame) if card.objectName() == "card"]
    return sorted(found, key=lambda card: card.y())


def race_of(count):
    racers = [{"id": n, "optimizer": {"name": "SGD", "lr": 0.001 * (n + 1)}} for n in range(count)]
    return DescentConfig.parse({"racers": racers})


def test_a_duplicate_stands_right_below_with_the_same_values_and_a_new_id(surface):
    settled = []
    surface.settled.connect(lambda config, path: settled.append(path))
    click(surface, "surface.racer.1.duplicate")
    assert ids(surface) == [0, 1, 3, 2]
    racers = surface.config.racers
    assert racers[2].optimizer == racers[1].optimizer
    assert settled == ["racers"]
    assert [card.identity for card in cards(surface)] == [0, 1, 3, 2]
    type_into(find(surface, QDoubleSpinBox, "surface.racer.3.optimizer.lr"), "0.25")
    assert [racer.optimizer.lr for racer in surface.config.racers] == [0.001, 0.001, 0.25, 0.05]


def test_a_racer_moves_and_keeps_its_id_its_values_and_its_card(surface):
    card = cards(surface)[2]
    click(surface, "surface.racer.2.raise")
    click(surface, "surface.racer.2.raise")
    assert ids(surface) == [2, 0, 1]
    assert surface.config.racers[0].optimizer.name == "Adam"
    assert cards(surface)[0] is card
    assert not find(surface, QAbstractButton, "surface.racer.2.raise").isEnabled()
    type_into(find(surface, QDoubleSpinBox, "surface.racer.2.optimizer.lr"), "0.5")
    assert [racer.optimizer.lr for racer in surface.config.racers] == [0.5, 0.001, 0.001]
    click(surface, "surface.racer.2.lower")
    assert ids(surface) == [0, 2, 1]
    assert surface.editor("racers.1.optimizer.lr").value() == 0.5


def test_the_keyboard_moves_a_racer_again_and_again(surface, qtbot):
    surface.activateWindow()
    button = find(surface, QAbstractButton, "surface.racer.0.lower")
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert ids(surface) == [1, 0, 2]
    assert QApplication.focusWidget() is button
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert ids(surface) == [1, 2, 0]


def test_an_optimizers_own_values_come_back_wherever_its_racer_went(surface):
    type_into(find(surface, QDoubleSpinBox, "surface.racer.0.optimizer.lr"), "0.25")
    choose(surface, "surface.racer.0.optimizer.name", "Adam")
    click(surface, "surface.racer.0.lower")
    choose(surface, "surface.racer.0.optimizer.name", "SGD")
    assert surface.config.racers[1].optimizer.lr == 0.25
    assert surface.config.racers[0].optimizer.lr == 0.001


def choose(form, name, entry):
    box = find(form, QComboBox, name)
    box.setCurrentIndex(box.findData(entry))
    box.activated.emit(box.currentIndex())


def test_a_reset_puts_back_what_the_racer_began_with_also_after_a_move(surface):
    type_into(find(surface, QDoubleSpinBox, "surface.racer.1.optimizer.momentum"), "0.5")
    click(surface, "surface.racer.1.raise")
    spec = surface.editor("racers.0.optimizer.momentum").spec
    assert surface.default("racers.0.optimizer.momentum", spec) == 0.9
    assert surface.default("racers.1.optimizer.momentum", spec) == 0.0


def test_undo_takes_back_a_duplicate_and_a_move(surface):
    history = History(surface.set_config)
    before = [surface.config]

    def remember(config, path):
        history.add(Gesture(path, before[0], config))
        before[0] = config

    surface.settled.connect(remember)
    click(surface, "surface.racer.0.duplicate")
    click(surface, "surface.racer.2.raise")
    assert ids(surface) == [0, 3, 2, 1]
    history.undo()
    assert ids(surface) == [card.identity for card in cards(surface)] == [0, 3, 1, 2]
    history.undo()
    assert ids(surface) == [card.identity for card in cards(surface)] == [0, 1, 2]


def test_of_many_cards_only_the_first_are_open_and_a_click_on_the_header_opens_one(make):
    form = make(race_of(MOST_RACERS))
    boxes = [
        box.objectName() for box in form.findChildren(QDoubleSpinBox) if "optimizer.lr" in box.objectName()
    ]
    assert boxes == ["surface.racer.0.optimizer.lr", "surface.racer.1.optimizer.lr"]
    assert form.editor("racers.7.optimizer.lr") is None
    card = cards(form)[7]
    assert any(label.text() == "8  SGD · 0.008" for label in card.findChildren(QLabel))
    QTest.mouseClick(card, Qt.MouseButton.LeftButton, pos=card.findChild(QLabel).geometry().center())
    assert find(form, QDoubleSpinBox, "surface.racer.7.optimizer.lr").isVisible()
    assert form.editor("racers.7.optimizer.lr").value() == 0.008
    click(form, "surface.racer.7.fold")
    assert not find(form, QDoubleSpinBox, "surface.racer.7.optimizer.lr").isVisible()


def test_a_folded_card_says_what_has_become_of_it(make):
    form = make(race_of(5))
    form.change("racers.4.optimizer.lr", 0.25, final=True)
    assert any(label.text() == "5  SGD · 0.25" for label in cards(form)[4].findChildren(QLabel))


def test_a_copy_opens_even_among_many(make):
    form = make(race_of(6))
    click(form, "surface.racer.4.duplicate")
    assert find(form, QDoubleSpinBox, "surface.racer.6.optimizer.lr").isVisible()
    assert form.config.racers[5].optimizer.lr == 0.005


def test_a_full_list_takes_no_copy_and_says_so(make):
    form = make(race_of(MOST_RACERS))
    button = find(form, QAbstractButton, "surface.racer.0.duplicate")
    assert not button.isEnabled()
    assert button.toolTip() == f"At most {MOST_RACERS} fit"


def test_a_schedule_is_folded_under_what_is_chosen(surface):
    fold = find(surface, QAbstractButton, "surface.racer.0.scheduler.more")
    assert fold.text() == "Schedule: No schedule"
    box = find(surface, QComboBox, "surface.racer.0.scheduler.name")
    assert not box.isVisible()
    QTest.mouseClick(fold, Qt.MouseButton.LeftButton)
    assert box.isVisible()
    choose(surface, "surface.racer.0.scheduler.name", "ExponentialLR")
    assert fold.text() == "Schedule: Exponential"
    assert surface.config.racers[0].scheduler.name == "ExponentialLR"
    type_into(find(surface, QDoubleSpinBox, "surface.racer.0.scheduler.gamma"), "0.99")
    assert surface.config.racers[0].scheduler.values["gamma"] == 0.99


def test_items_without_an_id_have_no_colour_and_words_of_their_own(make):
    form = make(Basket(), "basket")
    first = cards(form)[0]
    assert not any(label.isVisibleTo(form) for label in first.findChildren(QLabel) if label.text() == "●")
    assert find(form, QAbstractButton, "basket.fruit.0.duplicate").toolTip() == "Duplicate this fruit"
    assert not find(form, QAbstractButton, "basket.fruit.0.visible").isVisible()
    click(form, "basket.fruit.0.duplicate")
    assert [fruit.count for fruit in form.config.fruits] == [3, 3, 5]
    assert find(form, QAbstractButton, "basket.fruit.0.duplicate").toolTip() == "At most 3 fit"
    type_into(find(form, QDoubleSpinBox, "basket.fruit.1.count"), "7")
    click(form, "basket.fruit.1.raise")
    assert [fruit.count for fruit in form.config.fruits] == [7, 3, 5]
    click(form, "basket.fruit.2.remove")
    click(form, "basket.fruit.1.remove")
    cross = find(form, QAbstractButton, "basket.fruit.0.remove")
    assert not cross.isEnabled()
    assert cross.toolTip() == "At least one fruit stays"
    assert find(form, QDoubleSpinBox, "basket.fruit.0.count").value() == 7


def test_an_empty_list_begins_with_the_defaults(make):
    class Empty(Config):
        fruits: tuple[Fruit, ...] = param((), title="Fruits", help="")

    form = make(Empty(), "empty")
    click(form, "empty.fruits.add")
    assert form.config.fruits == (Fruit(),)
    click(form, "empty.fruit.0.remove")
    assert form.config.fruits == ()
    assert cards(form) == []


def test_no_piece_of_a_form_is_ever_a_window_of_its_own(qtbot):
    shown = []

    class Watch(QObject):
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
                shown.append(watched)
            return False

    watch = Watch()
    QApplication.instance().installEventFilter(watch)
    form = ParamForm(race_of(6), "surface")
    qtbot.addWidget(form)
    form.set_config(race_of(9))
    form.choose("surface", "surface.surface", form.config.surface, "Quadratic")
    QApplication.instance().removeEventFilter(watch)
    assert shown == []


def test_a_locked_list_keeps_its_items(make):
    form = make(Basket(), "basket")
    form.set_locked(True)
    for name in ("fruit.0.duplicate", "fruit.0.lower", "fruit.1.remove", "fruits.add"):
        assert not find(form, QAbstractButton, f"basket.{name}").isEnabled()
    form.set_locked(False)
    assert find(form, QAbstractButton, "basket.fruit.1.remove").isEnabled()
