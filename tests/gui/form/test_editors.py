"""Editors: one for each kind of parameter, all with the same gestures."""

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSlider, QToolTip

from optgui.core.params import Config, Kind, param, params_of
from optgui.gui import theme
from optgui.gui.form import editor as editor_module
from optgui.gui.form.editors import ChoiceBox, make_editor
from tests.configs import another, flat_specs, registries, top_configs


class Numbers(Config):
    rate: float = param(0.1, title="Rate", help="How far.", above=0, high=1e6, scale="log", slider=(1e-5, 10))
    decay: float = param(0.0, title="Decay", help="", low=0, scale="log", slider=(1e-6, 0.1))
    share: float = param(0.5, title="Share", help="", low=0, below=1)
    count: int = param(
        64, title="Count", help="", low=1, high=60_000, scale="log", slider=(1, 4096), unit="images"
    )
    angle: float = param(30.0, title="Angle", help="", low=-90, high=90)
    on: bool = param(False, title="On", help="")
    word: str = param("a", title="Word", help="", choices=(("a", "Letter A"), ("b", "Letter B")))
    widths: tuple[int, ...] = param((120,), title="Widths", help="", low=1)
    betas: tuple[float, float] = param((0.9, 0.999), title="Betas", help="", low=0, below=1)
    text: str = param("x", title="Text", help="")
    formula: str = param("x", title="Formula", help="", history=True)
    rates: tuple[float, ...] = param((0.1,), title="Rates", help="")
    points: tuple[tuple[float, float], ...] = param(((1.0, 2.0),), title="Points", help="", rare=True)


SPECS = [
    *(
        pytest.param(spec, id=f"{cls.__name__}-{spec.name}")
        for cls in top_configs()
        for spec in flat_specs(cls)
    ),
    *(
        pytest.param(spec, id=f"{registry}-{entry.name}-{spec.name}")
        for registry, entries in registries().items()
        for entry in entries.values()
        for spec in flat_specs(entry.params)
    ),
]


class Heard:
    """What an editor has said."""

    def __init__(self, editor):
        self.changed, self.settled = [], []
        editor.changed.connect(self.changed.append)
        editor.settled.connect(self.settled.append)


@pytest.fixture
def make(qtbot, monkeypatch):
    """Builds a shown editor for a field of `Numbers`, whose gestures do not end by resting."""
    monkeypatch.setattr(editor_module, "REST_MS", 3_600_000)

    def build(field):
        spec = next(spec for spec in params_of(Numbers) if spec.name == field)
        editor = make_editor(spec)
        editor.name(f"test.{field}")
        qtbot.addWidget(editor)
        editor.set_value(spec.default)
        editor.show()
        return editor

    return build


def part(editor, kind):
    return next(found for found in editor.parts() if isinstance(found, kind))


def type_into(box, text):
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


@pytest.mark.parametrize("spec", SPECS)
def test_every_parameter_has_an_editor_that_shows_its_values_and_says_nothing(qtbot, spec):
    editor = make_editor(spec)
    qtbot.addWidget(editor)
    editor.name("test.field")
    heard = Heard(editor)
    for value in (spec.default, another(spec, spec.default), spec.default):
        editor.set_value(value)
        assert editor.value() == value
        assert shown(editor) == pytest.approx(value, rel=1e-9) if spec.kind is Kind.FLOAT else True
    assert (heard.changed, heard.settled) == ([], [])


def shown(editor):
    return editor.parts()[0].value()


@pytest.mark.parametrize("spec", SPECS)
def test_every_editors_parts_are_named_and_reached_by_keyboard(qtbot, spec):
    editor = make_editor(spec)
    qtbot.addWidget(editor)
    editor.name("test.field")
    parts = editor.parts()
    several = spec.length and spec.kind is not Kind.POINTS
    assert parts[0].objectName() == ("test.field.0" if several else "test.field")
    assert len({widget.objectName() for widget in [editor, *parts]}) == len(parts) + 1
    for widget in parts:
        assert widget.accessibleName().startswith(spec.title)
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_unit_is_part_of_the_spoken_name(make):
    editor = make("count")
    assert {widget.accessibleName() for widget in editor.parts()} == {"Count in images"}


def test_what_is_typed_moves_the_slider_and_ends_the_gesture(make):
    editor = make("rate")
    heard = Heard(editor)
    type_into(part(editor, QDoubleSpinBox), "1e-3")
    assert (heard.changed, heard.settled) == ([1e-3], [1e-3])
    assert editor.value() == 1e-3
    assert part(editor, QSlider).value() == round(1000 * 2 / 6)  # two of six decades


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("rate", "1e-3", 1e-3),
        ("rate", "0.25", 0.25),
        ("rate", "2.5E-2", 0.025),
        ("count", "1,024", 1024),
        ("angle", "-45", -45.0),
        ("decay", "0", 0.0),
    ],
)
def test_numbers_are_typed_as_people_write_them(make, field, text, value):
    editor = make(field)
    type_into(part(editor, QDoubleSpinBox), text)
    assert editor.value() == value
    assert type(editor.value()) is type(value)


@pytest.mark.parametrize(("field", "text"), [("rate", "0"), ("rate", "-1"), ("share", "1"), ("count", "0.5")])
def test_a_number_out_of_bounds_cannot_be_entered(make, field, text):
    editor = make(field)
    before = editor.value()
    type_into(part(editor, QDoubleSpinBox), text)
    spec = editor.spec
    assert spec.low is None or editor.value() >= spec.low
    assert editor.value() == before or Numbers.parse({field: editor.value()})


def test_letters_do_not_get_into_a_number(make):
    editor = make("rate")
    type_into(part(editor, QDoubleSpinBox), "12 monkeys")
    assert part(editor, QDoubleSpinBox).text() not in ("", "12 monkeys")
    assert editor.value() in (0.1, 12.0)


def test_the_slider_moves_the_field_on_a_log_scale(make):
    editor = make("rate")
    slider, box = part(editor, QSlider), part(editor, QDoubleSpinBox)
    for position, value in ((0, 1e-5), (500, 1e-2), (1000, 10.0)):
        slider.setValue(position)
        assert box.value() == editor.value() == pytest.approx(value)


def test_the_slider_moves_the_field_on_a_linear_scale(make):
    editor = make("angle")
    for position, value in ((0, -90.0), (500, 0.0), (1000, 90.0)):
        part(editor, QSlider).setValue(position)
        assert editor.value() == value


def test_a_whole_number_stays_whole_along_a_log_slider(make):
    editor = make("count")
    for position in range(0, 1001, 50):
        part(editor, QSlider).setValue(position)
        assert type(editor.value()) is int
        Numbers.parse({"count": editor.value()})
    assert editor.value() == 4096


def test_zero_lies_at_the_left_end_of_a_log_slider_that_may_be_zero(make):
    editor = make("decay")
    slider = part(editor, QSlider)
    assert slider.value() == 0
    slider.setValue(1)
    assert editor.value() >= 1e-6
    slider.setValue(0)
    assert editor.value() == 0.0


@pytest.mark.parametrize("field", ["rate", "share", "count", "angle"])
def test_every_place_of_a_slider_is_a_valid_value(make, field):
    editor = make(field)
    for position in range(0, 1001, 7):
        part(editor, QSlider).setValue(position)
        Numbers.parse({field: editor.value()})


def test_a_number_beyond_the_slider_stands_at_its_end_and_is_kept(make):
    editor = make("rate")
    editor.set_value(500.0)
    assert part(editor, QSlider).value() == 1000
    assert editor.value() == part(editor, QDoubleSpinBox).value() == 500.0


def test_a_drag_is_many_changes_and_one_edit(make):
    editor = make("rate")
    heard = Heard(editor)
    slider = part(editor, QSlider)
    slider.setSliderDown(True)
    for position in range(600, 500, -10):
        slider.setSliderPosition(position)
    assert (len(heard.changed), heard.settled) == (10, [])
    slider.setSliderDown(False)
    assert heard.settled == [heard.changed[-1]] == [editor.value()]


def test_a_rest_ends_a_gesture_of_the_keyboard(qtbot, make, monkeypatch):
    monkeypatch.setattr(editor_module, "REST_MS", 20)
    editor = make("rate")
    heard = Heard(editor)
    with qtbot.waitSignal(editor.settled, timeout=2000):
        for _ in range(5):
            QTest.keyClick(part(editor, QSlider), Qt.Key.Key_Left)
    assert len(heard.changed) == 5
    assert heard.settled == [editor.value()]


def test_arrow_keys_in_the_field_go_ten_steps_a_decade(make):
    editor = make("rate")
    box = part(editor, QDoubleSpinBox)
    for _ in range(10):
        QTest.keyClick(box, Qt.Key.Key_Up)
    assert box.value() == pytest.approx(1.0, rel=0.01)


def test_enter_without_typing_keeps_every_digit_of_a_value(make):
    editor = make("rate")
    heard = Heard(editor)
    editor.set_value(0.123456789)
    box = part(editor, QDoubleSpinBox)
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Return)
    QTest.keyClick(box, Qt.Key.Key_Tab)
    assert editor.value() == box.value() == 0.123456789
    assert heard.changed == []


def wheel(widget):
    middle = widget.rect().center()
    event = QWheelEvent(
        QPointF(middle),
        QPointF(widget.mapToGlobal(middle)),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


@pytest.mark.parametrize(
    ("field", "kind"), [("rate", QSlider), ("rate", QDoubleSpinBox), ("word", QComboBox)]
)
def test_the_wheel_scrolls_the_form_unless_a_control_has_the_focus(qtbot, make, field, kind):
    editor = make(field)
    if field == "word":
        editor.set_value("b")
    before, widget = editor.value(), part(editor, kind)
    editor.activateWindow()
    for other in editor.parts():
        other.clearFocus()
    assert not wheel(widget)
    assert editor.value() == before
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus)
    wheel(widget)
    assert editor.value() != before


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_number_needs_neither_upper_bound_nor_slider_range(qtbot, scale):
    class Open(Config):
        count: int = param(5, title="Count", help="", low=1, scale=scale)

    editor = make_editor(params_of(Open)[0])
    qtbot.addWidget(editor)
    editor.set_value(7)
    assert editor.value() == 7


def test_a_switch_is_one_edit(make):
    editor = make("on")
    heard = Heard(editor)
    QTest.mouseClick(part(editor, QCheckBox), Qt.MouseButton.LeftButton, pos=QPoint(6, editor.height() // 2))
    assert (heard.changed, heard.settled, editor.value()) == ([True], [True], True)


def test_a_choice_is_one_edit_and_shows_labels(make):
    editor = make("word")
    heard = Heard(editor)
    box = part(editor, QComboBox)
    assert [box.itemText(i) for i in range(box.count())] == ["Letter A", "Letter B"]
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert (heard.changed, heard.settled, editor.value()) == (["b"], ["b"], "b")


@pytest.mark.parametrize(
    ("text", "value"), [("256, 64", (256, 64)), ("7", (7,)), (" 1 ,2, 3", (1, 2, 3)), ("", ())]
)
def test_a_list_is_typed_with_commas(make, text, value):
    editor = make("widths")
    heard = Heard(editor)
    type_into(part(editor, QLineEdit), text) if text else clear(part(editor, QLineEdit))
    assert (heard.changed, heard.settled, editor.value()) == ([value], [value], value)


def clear(line):
    line.setFocus()
    line.clear()
    QTest.keyClick(line, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    "text",
    [
        *("many", "1; 2", "1.5", "1,,2"),
        "nan",
        "inf",
    ],
)
def test_what_is_no_list_stays_to_be_mended_with_a_sentence(make, text):
    editor = make("widths")
    heard, refused = Heard(editor), []
    editor.refused.connect(refused.append)
    line = part(editor, QLineEdit)
    type_into(line, text)
    assert (heard.changed, editor.value(), line.text()) == ([], (120,), text)
    assert refused[0].startswith("Widths: expected numbers between commas such as 120, 60, got")
    assert line.toolTip() == editor.reason == refused[0]


def test_text_is_an_edit_when_it_is_entered(make):
    editor = make("text")
    heard = Heard(editor)
    line = part(editor, QLineEdit)
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, "x**2")
    assert heard.changed == []
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert (heard.changed, heard.settled) == (["x**2"], ["x**2"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1, 2; 3, 4", ((1.0, 2.0), (3.0, 4.0))),
        (" 1,2 ;-3e-1, .25; ", ((1.0, 2.0), (-0.3, 0.25))),
        ("", ()),
    ],
)
def test_points_are_typed_with_commas_and_semicolons(make, text, value):
    editor = make("points")
    heard = Heard(editor)
    type_into(part(editor, QLineEdit), text) if text else clear(part(editor, QLineEdit))
    assert (heard.changed, heard.settled, editor.value()) == ([value], [value], value)


def test_points_are_shown_in_full_precision_and_kept_when_entered_unchanged(make):
    editor = make("points")
    heard = Heard(editor)
    value = ((0.1 + 0.2, 1 / 3), (-1e-17, 12.0))
    editor.set_value(value)
    line = part(editor, QLineEdit)
    assert line.text() == "0.30000000000000004, 0.3333333333333333; -1e-17, 12"
    line.setFocus()
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert (heard.changed, editor.value()) == ([], value)
    type_into(line, f"{line.text()}; 1, 1")
    assert editor.value() == (*value, (1.0, 1.0))


@pytest.mark.parametrize("text", ["1", "1, 2; 3", "1, 2, 3", "1, 2;; 3, 4", "a, b", "1, nan"])
def test_what_are_no_points_stays_to_be_mended_with_a_sentence(make, text):
    editor = make("points")
    heard, refused = Heard(editor), []
    editor.refused.connect(refused.append)
    line = part(editor, QLineEdit)
    type_into(line, text)
    assert (heard.changed, editor.value(), line.text()) == ([], ((1.0, 2.0),), text)
    expected = "Points: expected points of 2 numbers between semicolons such as 1, 2; 3, 4, got "
    assert refused[0] == expected + text


def test_a_list_of_numbers_keeps_its_digits_when_entered_unchanged(make):
    editor = make("rates")
    editor.set_value((0.123456789,))
    line = part(editor, QLineEdit)
    line.setFocus()
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert editor.value() == (0.123456789,)


def offered(editor):
    box = part(editor, QComboBox)
    return [box.itemText(i) for i in range(box.count())]


def type_text(editor, text):
    box = part(editor, QComboBox)
    box.setFocus()
    box.lineEdit().selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def test_texts_are_offered_again_the_newest_first_and_each_once(make):
    editor = make("formula")
    heard = Heard(editor)
    assert offered(editor) == []
    for text in ("x + 1", "y, 2", "x + 1"):
        type_text(editor, text)
    assert heard.settled == ["x + 1", "y, 2", "x + 1"]
    assert offered(editor) == ["x + 1", "y, 2"]
    assert offered(make("formula")) == ["x + 1", "y, 2"]  # another one, as after a restart


def test_an_offered_text_is_one_edit_when_it_is_chosen(make):
    editor = make("formula")
    type_text(editor, "x + 1")
    type_text(editor, "x + 2")
    heard = Heard(editor)
    box = part(editor, QComboBox)
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert (heard.changed, heard.settled, editor.value()) == (["x + 1"], ["x + 1"], "x + 1")
    assert box.currentText() == "x + 1"


def test_only_the_last_twelve_texts_are_kept_and_no_refused_one(make):
    editor = make("formula")
    for number in range(14):
        type_text(editor, f"x + {number}")
    assert offered(editor) == [f"x + {number}" for number in range(13, 1, -1)]
    editor.changed.connect(lambda _: editor.set_value("x + 13"))  # as a form does that refuses
    type_text(editor, "x +")
    assert offered(editor)[0] == "x + 13"
    assert part(editor, QComboBox).currentText() == "x +"
    assert editor.value() == "x + 13"


def test_a_refused_text_is_marked_until_it_is_valid(make):
    editor = make("widths")
    line = part(editor, QLineEdit)
    type_into(line, "many")
    error = theme.colours(editor).error
    assert error in line.styleSheet()
    editor.set_value((120,))  # as a form does that shows all its values again
    assert line.text() == "many"
    type_into(line, "60")
    assert (editor.value(), line.text(), editor.reason) == ((60,), "60", "")
    assert error not in line.styleSheet()


def test_a_refused_text_goes_with_the_value_that_it_was_to_replace(make):
    editor = make("widths")
    line = part(editor, QLineEdit)
    type_into(line, "many")
    editor.set_value((30, 20))
    assert (line.text(), editor.reason) == ("30, 20", "")


def test_escape_puts_the_last_valid_text_back(make):
    editor = make("widths")
    line = part(editor, QLineEdit)
    type_into(line, "many")
    QTest.keyClick(line, Qt.Key.Key_Escape)
    assert (line.text(), line.toolTip(), line.styleSheet()) == ("120", "", "")
    assert editor.value() == (120,)


def test_leaving_a_refused_text_says_nothing_again(make):
    editor = make("widths")
    line, refused = part(editor, QLineEdit), []
    type_into(line, "many")
    editor.refused.connect(refused.append)
    line.clearFocus()
    line.editingFinished.emit()
    assert refused == []
    assert line.text() == "many"


def test_the_marks_of_a_slider_are_named_by_its_tooltip(make):
    editor = make("rate")
    slider = part(editor, QSlider)
    before = slider.grab().toImage()
    editor.set_marks(((0.001, "best rate"), (1.0, "limit")))
    assert slider.grab().toImage() != before
    middle = slider.rect().center()
    event = QHelpEvent(QEvent.Type.ToolTip, middle, slider.mapToGlobal(middle))
    QApplication.sendEvent(slider, event)
    assert QToolTip.text() == "best rate: 0.001\nlimit: 1"


def test_a_pair_has_a_field_for_each_number(make):
    editor = make("betas")
    heard = Heard(editor)
    first, second = editor.parts()
    type_into(second, "0.99")
    assert heard.settled == [(0.9, 0.99)]
    type_into(first, "0.5")
    assert heard.settled[-1] == editor.value() == (0.5, 0.99)


def test_an_entry_that_is_refused_is_shown_with_its_reason_and_cannot_be_chosen(qtbot):
    box = ChoiceBox()
    qtbot.addWidget(box)
    box.offer("a", "A", "First letter")
    box.offer("b", "B", "Second letter", "it needs two dimensions")
    assert box.model().item(0).isEnabled()
    assert not box.model().item(1).isEnabled()
    assert box.model().item(1).toolTip() == "Not available here: it needs two dimensions"
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentData() == "a"
