"""Looking inside: weights, hard digits, and one digit through the layers."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest

from optgui.core.training.questions import Activations, CellDigits, LookInside, WorstDigits
from optgui.gui.plot.digits import grey_image
from optgui.gui.plot.surface_layer import caption
from optgui.gui.training.image_grid import GAP
from optgui.gui.training.inside_page import InsidePage
from tests.gui.training.network import Network
from tests.samples import made_up_digits


@pytest.fixture
def page(qtbot):
    made = InsidePage()
    qtbot.addWidget(made)
    made.resize(1000, 640)
    made.show()
    return made


@pytest.fixture
def network(page):
    made = Network()
    made.serve(page)
    page.show_frame(made.engine.frame())
    return made


def click(widget, at):
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y())))


def test_an_empty_page_says_what_to_do(page):
    assert not page.worst.isEnabled()
    assert page.worst.toolTip() == "Press Start: there is no network to look into yet"


def test_a_network_is_looked_into_at_once(page, network):
    assert network.asked == [LookInside(), Activations(0)]
    assert page.weights.count == 12
    assert page.weights_words.text().startswith("12 units, blue to red: ±")
    assert page.dead_words.text().startswith("dead units, layer by layer: ")
    assert [layer.kind for layer in page.layers.layers] == ["Linear", "ReLU", "Linear"]


def test_a_run_that_stands_still_is_not_asked_again(page, network, qtbot):
    page.show_frame(network.engine.frame())
    page.show_frame(network.engine.frame())
    with qtbot.waitSignal(page._pace._timer.timeout):
        pass
    assert len(network.asked) == 2


def test_a_run_that_goes_on_is_looked_into_again(page, network, qtbot):
    network.train(1)
    page.show_frame(network.engine.frame())
    assert len(network.asked) == 2  # not sooner than a person can see
    qtbot.waitUntil(lambda: len(network.asked) == 4, timeout=2000)


def test_a_hidden_page_asks_nothing_and_catches_up(page, network, qtbot):
    with qtbot.waitSignal(page._pace._timer.timeout):
        pass
    page.hide()
    network.train(1)
    page.show_frame(network.engine.frame())
    assert len(network.asked) == 2
    page.show()
    assert network.asked[2:] == [LookInside(), Activations(0)]


def test_the_worst_digits_are_listed_and_one_is_followed(page, network):
    page.worst.click()
    assert isinstance(network.asked[-1], WorstDigits)
    assert page.digits_title.text() == "At step 5"
    assert page.digits_title.toolTip().startswith("Worst digits at step 5. ")
    assert page.digits.count == 60
    click(page.digits, page.digits.square(2).center())
    index = int(page.shown.indices[2])
    assert network.asked[-1] == Activations(index)
    assert page.digits.selected == 2
    np.testing.assert_array_equal(page.picture._values, made_up_digits().test_images[index])
    QTest.keyClick(page.digits, Qt.Key.Key_Right)
    assert network.asked[-1] == Activations(int(page.shown.indices[3]))


def test_hovering_a_digit_reads_index_loss_and_probabilities(page, network):
    page.worst.click()
    found, place = page.shown, 1
    words = page.digits.tip_at(page.digits.square(place).center())
    label, said = made_up_digits().test_labels[found.indices[place]], found.predictions[place]
    assert words.startswith(f"Test digit {found.indices[place]}: {label} read as {said}\nloss ")
    assert f"{said} {100 * found.probabilities[place].max():.1f} %" in words
    assert page.digits.tip_at(QPointF(-5, -5)) == ""


def test_a_cell_shows_its_digits(page, network):
    frame = network.engine.frame()
    page.show_frame(dataclasses.replace(frame, confusion=np.full((10, 10), 3)))
    found = network.ask(WorstDigits(1))
    true, said = int(found.labels[0]), int(found.predictions[0])
    click(page.confusion, page.confusion.square(true, said).center())
    assert network.asked[-1] == CellDigits(true, said, 60)
    assert page.digits_title.text() == f"{true} read as {said}: {page.shown.total}"
    assert (page.shown.labels == true).all()
    assert (page.shown.predictions == said).all()


def test_a_cell_is_reached_by_keyboard(page, network):
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Return):
        QTest.keyClick(page.confusion, key)
    assert network.asked[-1] == CellDigits(2, 1, 60)


def test_an_empty_cell_says_so(page, network):
    empty = next(cell for cell in np.ndindex(10, 10) if network.ask(CellDigits(*map(int, cell))).total == 0)
    page.show_answer(network.ask(CellDigits(*map(int, empty))))
    assert page.digits.count == 0
    assert page.digits.accessibleDescription() == f"No test digit: {empty[0]} read as {empty[1]}"


def test_an_answer_about_a_digit_left_behind_is_dropped(page, network):
    page.worst.click()
    late = network.ask(Activations(0))
    click(page.digits, page.digits.square(0).center())
    page.show_answer(late)
    np.testing.assert_array_equal(page.picture._values, page.shown.images[0])


def test_another_run_begins_with_nothing(page, network):
    page.worst.click()
    page.clear()
    assert page.weights.count == page.digits.count == 0
    assert page.layers.layers == ()
    assert not page.worst.isEnabled()


@pytest.mark.parametrize("model", ["CNN", "Softmax"])
def test_every_network_can_be_looked_into(page, model):
    network = Network(1, model={"name": model})
    network.serve(page)
    page.show_frame(network.engine.frame())
    page.worst.click()
    assert page.weights.count > 0
    assert page.digits.count == 60
    assert not page.grab().isNull()


def test_weights_that_are_no_numbers_still_show(page, network):
    inside = network.ask(LookInside())
    images = np.full_like(inside.weights.images, np.nan)
    page.show_answer(inside._replace(weights=inside.weights._replace(images=images, scale=np.nan)))
    layers = network.ask(Activations(0))
    bad = tuple(layer._replace(values=layer.values * np.nan) for layer in layers.layers)
    page.show_answer(layers._replace(layers=bad))
    assert "not finite" in page.layers.accessibleDescription()
    assert not page.grab().isNull()


def test_as_many_images_show_as_have_room(page, network):
    grid = page.digits
    grid.show_images(grey_image(made_up_digits().test_images[:60].reshape(-1, 28)), 60)
    grid.resize(90, 60)
    assert 0 < grid.shown_count < 60
    assert grid.place_at(grid.square(grid.shown_count - 1).center()) == grid.shown_count - 1


def test_words_of_neighbours_never_touch(page, network):
    page.resize(500, 500)
    page.worst.click()
    metrics = QFontMetricsF(caption())
    widest = max(metrics.horizontalAdvance(words) for words in page.digits._captions)
    assert widest < page.digits.square(0).width() + GAP


def test_hovering_a_layer_says_all_of_it(page, network):
    layer = page.layers.layers[0]
    words = page.layers.tip_at(5)
    assert words.startswith(f"{layer.name}: {layer.kind} {layer.values.shape[0]}\n")
    assert page.layers.tip_at(10_000) == ""


def test_after_a_refusal_the_same_look_is_asked_for_again(page, network):
    before = len(network.asked)
    page.show_frame(network.engine.frame())
    page._pace.now()
    assert len(network.asked) == before
    page.show_refusal("No.")
    page._pace.now()
    assert network.asked[before:] == [LookInside(), Activations(0)]
