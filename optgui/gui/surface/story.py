"""The story: the tutorial's races in order, one click each, with two sentences about what to look at."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from optgui.core.surface import DescentConfig
from optgui.core.surface.story import STORY, Chapter
from optgui.gui.form.choices import ChoiceBox
from optgui.gui.form.widgets import SignButton, group_title


class StoryBar(QWidget):
    """Previous, a list to jump, next; below it the text of the chapter chosen last, which folds away."""

    chosen = Signal(object)  # Chapter

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("surface.story")
        self._place: int | None = None
        self._races = [DescentConfig.parse(chapter.config) for chapter in STORY]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        head = QHBoxLayout()
        head.addWidget(group_title("Story", "Races that tell the tutorial's story, one after the other."), 1)
        self._fold = SignButton("down", "surface.story.fold", "Fold or unfold the text of the story")
        self._fold.setCheckable(True)
        self._fold.setChecked(True)
        self._fold.toggled.connect(self._on_folded)
        head.addWidget(self._fold)
        layout.addLayout(head)
        self._list = ChoiceBox()
        self._list.setObjectName("surface.story.chapter")
        self._list.setAccessibleName("Chapter of the story")
        self._list.setToolTip("Jump to a chapter: it sets up a race")
        self._list.setPlaceholderText("Begin the story")
        for place, chapter in enumerate(STORY):
            self._list.offer(chapter.name, f"{place + 1} of {len(STORY)} · {chapter.title}", chapter.text)
        self._list.setCurrentIndex(-1)
        self._list.activated.connect(self.go)
        self._back = SignButton("left", "surface.story.previous", "Previous chapter")
        self._back.clicked.connect(lambda: self.go(self._place - 1 if self._place else 0))
        self._next = SignButton("right", "surface.story.next", "Next chapter")
        self._next.clicked.connect(lambda: self.go(0 if self._place is None else self._place + 1))
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self._back)
        row.addWidget(self._list, 1)
        row.addWidget(self._next)
        layout.addLayout(row)
        self._text = QLabel()
        self._text.setObjectName("surface.story.text")
        self._text.setWordWrap(True)
        layout.addWidget(self._text)
        self._show()

    @property
    def chapter(self) -> Chapter | None:
        """The chapter chosen last, None before the first."""
        return None if self._place is None else STORY[self._place]

    def go(self, place: int) -> None:
        """Choose the chapter at a place in the story, from 0; there is nothing beyond its ends."""
        if 0 <= place < len(STORY):
            self._place = place
            self._show()
            self.chosen.emit(STORY[place])

    def follow(self, config: DescentConfig) -> None:
        """Show the chapter whose race this is, as after an undo; leave the story on another surface."""
        if config in self._races:
            self._place = self._races.index(config)
            self._show()
        elif self._place is not None and config.surface.name != self._races[self._place].surface.name:
            self.leave()

    def leave(self) -> None:
        """Forget the chapter: what is raced is not its race any more."""
        self._place = None
        self._show()

    def _show(self) -> None:
        self._list.setCurrentIndex(-1 if self._place is None else self._place)
        self._back.setEnabled(bool(self._place))
        self._next.setEnabled(self._place is None or self._place < len(STORY) - 1)
        chapter = self.chapter
        self._text.setText(chapter.text if chapter else "")
        self._text.setVisible(chapter is not None and self._fold.isChecked())
        self._fold.setVisible(chapter is not None)

    def _on_folded(self, opened: bool) -> None:
        self._fold.set_sign("down" if opened else "right")
        self._show()
