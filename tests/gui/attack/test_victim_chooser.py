"""The strip of digits and what it opens."""

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from optgui.gui.attack.victim.chooser import DRAWING, VictimChooser

COUNT = 500
MODIFIERS = Qt.KeyboardModifier.NoModifier


@pytest.fixture(scope="module")
def digits():
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, COUNT)
    predictions = np.where(random.random(COUNT) < 0.2, (labels + 1) % 10, labels)
    return random.integers(0, 256, (COUNT, 28, 28), dtype=np.uint8), labels, predictions, random.random(COUNT)


@pytest.fixture
def stage(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(620, 560)
    layout = QVBoxLayout(made)
    made.chooser = VictimChooser(made)
    layout.addWidget(made.chooser)
    made.below = QLabel("pictures")
    layout.addWidget(made.below, 1)
    made.show()
    return made


@pytest.fixture
def chooser(stage, digits):
    stage.chooser.show_digits(digits[0], digits[1])
    return stage.chooser


def door(chooser, name):
    return chooser.findChild(object, f"attack.victim.{name}")


def picture(tmp_path, name="digit.png"):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 10:18] = 200
    path = tmp_path / name
    assert QImage(pixels.data, 28, 28, 28, QImage.Format.Format_Grayscale8).save(str(path))
    return path, pixels.astype(np.float32) / 255


def drop(widget, mime):
    actions = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(9, 9), actions, mime, Qt.MouseButton.LeftButton, MODIFIERS)
    QApplication.sendEvent(widget, enter)
    if enter.isAccepted():
        event = QDropEvent(QPointF(9, 9), actions, mime, Qt.MouseButton.LeftButton, MODIFIERS)
        QApplication.sendEvent(widget, event)
    return enter.isAccepted()


def files(*paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def test_the_strip_is_low_and_the_panel_is_closed(chooser):
    assert chooser.height() <= 110
    assert chooser.panel.isHidden()
    assert chooser.panel.page is None


def test_before_there_are_digits_it_says_what_to_do(stage):
    assert stage.chooser.panel.grid.hint.startswith("Press Start")
    stage.chooser.set_hint("Wait.")
    assert stage.chooser.panel.grid.hint == "Wait."
    stage.grab()


def test_the_row_chooses_and_turns_pages(chooser, qtbot):
    row = chooser.row
    count = row.capacity()
    with qtbot.waitSignal(chooser.test_digit_chosen) as chosen:
        QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(row.width() // count * 2 + 5, 20))
    assert chosen.args == [2]
    chooser.findChild(object, "attack.page_forth").click()
    assert row.selected == -1
    QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(5, 20))
    assert chooser.index == count
    chooser.findChild(object, "attack.page_back").click()
    assert not chooser.findChild(object, "attack.page_back").isEnabled()


def test_arrows_walk_on_beyond_the_row(chooser, qtbot):
    count = chooser.row.capacity()
    chooser.row.setFocus()
    chooser.select(count - 1)
    chosen = []
    chooser.test_digit_chosen.connect(chosen.append)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left):
        QTest.keyClick(chooser.row, key)
    assert chosen == [count, count + 1, count, count - 1]
    chooser.select(0)
    chosen.clear()
    QTest.keyClick(chooser.row, Qt.Key.Key_Left)
    assert chosen == []


def test_selecting_brings_the_digit_into_the_row_without_a_signal(chooser, qtbot):
    with qtbot.assertNotEmitted(chooser.test_digit_chosen):
        chooser.select(321)
    assert chooser.row.selected >= 0
    chooser.select(COUNT - 1)
    assert chooser.row.selected == chooser.row.capacity() - 1
    chooser.select(-1)
    assert chooser.row.selected == -1


def test_all_digits_open_over_the_pictures_and_close_when_one_is_chosen(chooser, stage, qtbot):
    height = stage.below.height()
    door(chooser, "all").click()
    panel = chooser.panel
    assert panel.page is panel.grid
    assert stage.below.height() == height
    assert panel.geometry().top() >= chooser.geometry().bottom()
    assert stage.rect().contains(panel.geometry())
    assert not panel.isModal()
    with qtbot.waitSignal(chooser.test_digit_chosen) as chosen:
        panel.grid.sheet.chosen.emit(77)
    assert chosen.args == [77]
    assert panel.isHidden()
    assert not door(chooser, "all").isChecked()


def test_the_panel_follows_the_window(chooser, stage):
    door(chooser, "draw").click()
    for size in ((1000, 700), (560, 400)):
        stage.resize(*size)
        QApplication.processEvents()
        assert stage.rect().contains(chooser.panel.geometry())


def test_a_door_closes_what_it_opened_and_so_does_escape(chooser):
    door(chooser, "all").click()
    door(chooser, "draw").click()
    assert chooser.panel.page is chooser.panel.draw
    assert [door(chooser, name).isChecked() for name in ("all", "draw", "open")] == [False, True, False]
    door(chooser, "draw").click()
    assert chooser.panel.page is None
    door(chooser, "all").click()
    QTest.keyClick(chooser.panel.grid.sheet, Qt.Key.Key_Escape)
    assert chooser.panel.page is None
    door(chooser, "all").click()
    chooser.panel.close_button.click()
    assert not door(chooser, "all").isChecked()


def test_the_row_shows_what_the_filter_lets_through(chooser, digits):
    _, labels, predictions, confidences = digits
    chooser.show_judgement(predictions, confidences)
    judged = chooser.panel.grid.findChild(object, "attack.digits.judged")
    judged.setCurrentIndex(judged.findText("Misread"))
    wrong = np.flatnonzero(labels != predictions)
    assert door(chooser, "all").text() == f"{len(wrong)} digits"
    QTest.mouseClick(chooser.row, Qt.MouseButton.LeftButton, pos=QPoint(5, 20))
    assert chooser.index == wrong[0]
    search = chooser.panel.grid.findChild(object, "attack.digits.search")
    search.setText("abc")
    assert door(chooser, "all").text() == "0 digits"
    search.clear()
    chooser.show_judgement(None)
    assert door(chooser, "all").text() == "All digits"


def test_a_drawing_is_given(chooser, qtbot):
    door(chooser, "draw").click()
    canvas = chooser.panel.draw.canvas
    with qtbot.waitSignal(chooser.previewed):
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.rect().center())
    chooser.set_guess(4)
    with qtbot.waitSignal(chooser.picture_given) as given:
        chooser.panel.draw.own.attack.click()
    image, label, source = given.args
    assert image.shape == (28, 28)
    assert (label, source) == (4, DRAWING)
    assert chooser.panel.page is None
    assert chooser.index == -1


def test_an_empty_drawing_is_refused(chooser, qtbot):
    door(chooser, "draw").click()
    with qtbot.waitSignal(chooser.refused) as refused:
        chooser.panel.draw.own.attack.click()
    assert refused.args == ["The drawing is empty: draw a digit first."]
    assert chooser.panel.page is chooser.panel.draw


def test_a_file_is_opened_and_its_class_asked(chooser, qtbot, tmp_path):
    path, wanted = picture(tmp_path)
    with qtbot.waitSignal(chooser.previewed) as previewed:
        chooser.open_file(path)
    assert np.array_equal(previewed.args[0], wanted)
    page = chooser.panel.picture
    assert chooser.panel.page is page
    assert page.note.text() == "28 × 28 in grey: taken as it is."
    with qtbot.waitSignal(chooser.refused) as refused:
        page.own.attack.click()
    assert refused.args[0].startswith("Say which digit this is")
    chooser.set_guess(1)
    with qtbot.waitSignal(chooser.picture_given) as given:
        page.own.attack.click()
    assert np.array_equal(given.args[0], wanted)
    assert given.args[1:] == [1, "digit.png"]
    chooser.open_file(path)
    assert page.own.label.currentIndex() == -1


def test_the_open_door_asks_for_a_file(chooser, qtbot, tmp_path):
    door(chooser, "open").click()
    dialog = chooser.panel.picture.findChild(object, "attack.open.dialog")
    with qtbot.waitSignal(chooser.previewed):
        dialog.fileSelected.emit(str(picture(tmp_path)[0]))
    dialog.reject()
    assert chooser.panel.picture.is_open


def test_what_cannot_be_opened_is_refused_in_a_sentence(chooser, qtbot, tmp_path):
    (tmp_path / "words.txt").write_text("no picture")
    with qtbot.waitSignal(chooser.refused) as refused:
        chooser.open_file(tmp_path / "words.txt")
    assert refused.args[0].startswith("words.txt cannot be used: expected a picture")
    assert chooser.panel.page is None


def test_a_file_may_be_dropped_on_row_panel_and_elsewhere(chooser, stage, qtbot, tmp_path):
    chooser.take_drops(stage.below)
    for number, target in enumerate((chooser, chooser.panel, stage.below)):
        path, _ = picture(tmp_path, f"{number}.png")
        with qtbot.waitSignal(chooser.previewed):
            assert drop(target, files(path))
        assert chooser.panel.page is chooser.panel.picture
    with qtbot.waitSignal(chooser.refused) as refused:
        drop(chooser, files(tmp_path / "absent.png"))
    assert refused.args == ["absent.png cannot be opened: expected a picture, got no such file."]
    words = QMimeData()
    words.setText("7")
    assert not drop(chooser, words)


def test_other_class_names_reach_every_page(chooser, digits):
    names = tuple(f"name {k}" for k in range(10))
    chooser.show_digits(digits[0], digits[1], names)
    for page in (chooser.panel.draw, chooser.panel.picture):
        assert page.own.label.itemText(3) == "name 3"


def test_every_control_has_a_name(chooser):
    for name in ("all", "draw", "open"):
        assert door(chooser, name).accessibleName()
        assert door(chooser, name).toolTip()
    assert chooser.panel.close_button.accessibleName()
