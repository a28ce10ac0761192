import pytest
from PySide6.QtWidgets import QApplication, QFileDialog

from optgui.core.training import TrainingConfig
from optgui.core.training.records import LoggedEdit, RunLog
from optgui.gui.training.code_page import CodePage
from optgui.gui.training.code_view import CodeView

START = TrainingConfig.parse({"dataset": "mnist"})
LOG = RunLog(START, (LoggedEdit(7, START.changed("optimizer.lr", 0.05)),), 0, ())


@pytest.fixture
def page(qtbot):
    page = CodePage()
    qtbot.addWidget(page)
    return page


def test_without_a_run_it_says_what_to_press(page):
    assert "Press Write the code" in page.view.toPlainText()
    assert not page.button.isEnabled()
    assert "Start a run" in page.button.toolTip()
    assert not page.save.isEnabled()


def test_the_log_is_asked_for_and_shown_as_a_script(page, qtbot):
    page.allow()
    with qtbot.waitSignal(page.wanted) as wanted:
        page.button.click()
    assert wanted.args == ["log"]
    page.show_log(LOG, 40)
    text = page.view.toPlainText()
    compile(text, "run.py", "exec")
    assert "if step == 7:" in text
    assert "step 40, 1 edit" in page.words.text()
    page.copy_button.click()
    assert QApplication.clipboard().text() == text
    page.clear()
    assert not page.copy_button.isEnabled()


def test_it_is_saved_as_a_file(page, tmp_path, qtbot):
    page.show_log(LOG)
    page.save.click()
    dialog = page.findChild(QFileDialog, "training.code.dialog")
    dialog.fileSelected.emit(str(tmp_path / "run.py"))
    dialog.reject()
    assert (tmp_path / "run.py").read_text(encoding="utf-8") == page.view.toPlainText()
    with qtbot.waitSignal(page.said) as said:
        page.write(str(tmp_path / "none" / "run.py"))
    assert "run.py" in said.args[0]


def test_colours_tell_words_from_text_also_over_lines(qtbot):
    view = CodeView("Code", "code")
    qtbot.addWidget(view)
    view.set_code('"""Two\nlines for"""\nfor x in 12:  # for\n    y = "for"')

    def spans(line):
        formats = view.document().findBlockByNumber(line).layout().formats()
        return [(span.start, span.length) for span in formats]

    assert spans(0) == [(0, 6)]
    assert spans(1) == [(0, 12)]
    assert spans(2) == [(0, 3), (6, 2), (9, 2), (14, 5)]
    assert spans(3) == [(8, 5)]
