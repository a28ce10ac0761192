"""The three pictures of an attack and the classes beside them."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint

from optgui.gui.attack.class_columns import ClassColumns, ClassRows
from optgui.gui.attack.film.pictures import AttackPictures, size_words

NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot")
BEFORE = np.eye(10, dtype=np.float32)[7]
NOW = np.array([0, 0, 0.016, 0.912, 0, 0, 0, 0.06, 0.012, 0], np.float32)


@pytest.fixture
def pictures(qtbot):
    made = AttackPictures()
    qtbot.addWidget(made)
    made.resize(700, 250)
    made.show()
    return made


def pixels(widget):
    image = widget.grab().toImage()
    return np.frombuffer(image.constBits(), np.uint8).copy()


def test_an_attack_is_three_pictures_with_words(pictures):
    image, change = np.full((28, 28), 0.5, np.float32), np.full((28, 28), 0.1, np.float32)
    pictures.show_attack(image, change, 2.8, BEFORE, NOW, 7, NAMES)
    assert pictures.original.accessibleDescription() == "true class: Sneaker"
    assert pictures.perturbation.accessibleDescription() == "‖δ‖ = 2.8, shown × 10"
    assert pictures.adversarial.accessibleDescription() == "read as: Dress"
    np.testing.assert_allclose(pictures.adversarial._values, 0.6, rtol=1e-6)


def test_the_sum_never_leaves_black_and_white(pictures):
    image, change = np.full((28, 28), 0.9, np.float32), np.full((28, 28), 0.3, np.float32)
    pictures.show_attack(image, change, 1.0, BEFORE, NOW, 7, NAMES)
    assert pictures.adversarial._values.max() == 1.0


def test_a_digit_alone_empties_the_rest(pictures):
    image = np.zeros((28, 28), np.float32)
    pictures.show_attack(image, image, 0.0, BEFORE, NOW, 7, NAMES)
    pictures.verdict.setText("Fooled.")
    pictures.show_digit(image, 7, NAMES)
    assert pictures.verdict.text() == ""
    assert pictures.adversarial._image is None
    assert pictures.classes.accessibleDescription() == ""


def test_no_change_is_not_magnified():
    assert size_words(0.0, 0.0) == "‖δ‖ = 0"
    assert size_words(1.997, 0.4348) == "‖δ‖ = 1.997, shown × 2.3"


@pytest.mark.parametrize(("make", "size"), [(ClassColumns, (330, 100)), (ClassRows, (160, 200))])
class TestClasses:
    @pytest.fixture
    def classes(self, qtbot, make, size):
        made = make("Probability of each class", "attack.classes")
        qtbot.addWidget(made)
        made.resize(*size)
        made.show()
        return made

    def test_they_are_said_in_words(self, classes):
        classes.show_probabilities(BEFORE, NOW, 7, NAMES, 3)
        assert classes.accessibleDescription() == "Dress with 91.2%; true class Sneaker with 6.0%"
        assert classes.words(7) == "Sneaker (true class): 100 % before, 6 % now"
        assert classes.words(3) == "Dress (target): 0 % before, 91.2 % now"
        assert classes.words(0) == "T-shirt/top: 0 % before, 0 % now"

    def test_every_class_is_found_where_it_is_drawn(self, classes, make):
        for digit in range(10):
            share = (digit + 0.5) / 10
            place = QPoint(round(share * classes.width()), round(share * classes.height()))
            assert classes._digit_at(place) == digit

    def test_they_are_drawn_and_cleared(self, classes):
        empty = pixels(classes)
        classes.show_probabilities(BEFORE, NOW, 7, NAMES)
        assert not np.array_equal(pixels(classes), empty)
        classes.clear()
        np.testing.assert_array_equal(len(pixels(classes)), len(empty))
        assert classes.words(3) == ""

    def test_figures_are_as_exact_as_there_is_room_for(self, classes):
        classes.show_probabilities(BEFORE, NOW, 7, NAMES)
        advance = classes.fontMetrics().horizontalAdvance
        assert classes._figure(3, advance("91.2 %")) == "91.2 %"
        assert classes._figure(3, advance("91.2 %") - 1) == "91 %"
        assert classes._figure(3, advance("91 %") - 1) == "91"
        assert classes._figure(3, 1) == ""
        assert classes._figure(0, 100) == ""


def test_rows_are_as_high_as_the_picture_beside_them(pictures):
    top, row = pictures.classes._rows()
    square = pictures.original._square()
    assert top == pytest.approx(square.top())
    assert 10 * row == pytest.approx(square.height())
