"""The story bar: chapters in order, one click each."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel

from optgui.core.surface.story import STORY
from optgui.gui.plot.line_view import OVERLAYS as LINE_OVERLAYS
from optgui.gui.plot.surface_overlays import OVERLAYS
from optgui.gui.surface.story import StoryBar


@pytest.fixture
def bar(qtbot):
    made = StoryBar()
    qtbot.addWidget(made)
    made.show()
    made.heard = []
    made.chosen.connect(made.heard.append)
    return made


def click(bar, part):
    button = bar.findChild(QAbstractButton, f"surface.story.{part}")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    return button


def text(bar):
    return bar.findChild(QLabel, "surface.story.text")


def chapters(bar):
    return bar.findChild(QComboBox, "surface.story.chapter")


def test_before_the_story_begins_there_is_no_text_and_no_way_back(bar):
    assert bar.chapter is None
    assert chapters(bar).currentIndex() == -1
    assert chapters(bar).placeholderText() == "Begin the story"
    assert text(bar).isHidden()
    assert not click(bar, "previous").isEnabled()
    assert bar.heard == []


def test_next_goes_through_every_chapter_in_order_and_stops_at_the_end(bar):
    for _ in range(len(STORY) + 1):
        button = click(bar, "next")
    assert bar.heard == list(STORY)
    assert not button.isEnabled()
    assert text(bar).text() == STORY[-1].text


def test_previous_goes_back_to_the_first(bar):
    bar.go(2)
    click(bar, "previous")
    button = click(bar, "previous")
    assert bar.heard == [STORY[2], STORY[1], STORY[0]]
    assert not button.isEnabled()


def test_the_list_jumps_and_says_where_one_is(bar):
    box = chapters(bar)
    assert box.itemText(2) == f"3 of {len(STORY)} · {STORY[2].title}"
    box.setCurrentIndex(2)
    box.activated.emit(2)
    assert bar.heard == [STORY[2]]
    assert bar.chapter is STORY[2]
    assert text(bar).isVisible()


def test_the_text_folds_away_and_stays_folded_in_the_next_chapter(bar):
    bar.go(0)
    click(bar, "fold")
    assert text(bar).isHidden()
    click(bar, "next")
    assert text(bar).isHidden()
    click(bar, "fold")
    assert text(bar).isVisible()
    assert text(bar).text() == STORY[1].text


def test_a_race_of_ones_own_leaves_the_story(bar):
    bar.go(3)
    bar.leave()
    assert bar.chapter is None
    assert text(bar).isHidden()
    assert bar.heard == [STORY[3]]


def test_the_keyboard_reaches_everything(bar):
    bar.go(1)
    for part in ("fold", "previous", "next"):
        button = bar.findChild(QAbstractButton, f"surface.story.{part}")
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert button.accessibleName()
    assert chapters(bar).focusPolicy() & Qt.FocusPolicy.TabFocus


def test_every_overlay_of_the_story_is_one_that_the_map_has():
    known = {overlay.name for overlay in OVERLAYS} | set(LINE_OVERLAYS)
    assert {name for chapter in STORY for name in chapter.overlays} <= known
