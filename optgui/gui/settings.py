"""What the window remembers between two starts; every value is checked when it is read."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter

from optgui.gui import theme

SCHEMA = 1  # raise it when a key changes its meaning: settings of another schema are ignored


class Settings:
    """A thin, checked layer over QSettings in INI format."""

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store or QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "optgui-desktop", "optgui"
        )
        if self._store.value("schema", SCHEMA) not in (SCHEMA, str(SCHEMA)):
            self._store.clear()
        self._store.setValue("schema", SCHEMA)

    def word(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        """A word that must be one of `allowed`."""
        value = self._store.value(key, default)
        return value if value in allowed else default

    @property
    def look(self) -> str:
        """The look that was chosen last."""
        return self.word("look", tuple(key for key, _ in theme.CHOICES), "system")

    def number(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number within bounds."""
        try:
            value = int(self._store.value(key, default))  # type: ignore[call-overload]
        except (TypeError, ValueError):
            return default
        return value if low <= value <= high else default

    def lines(self, key: str, most: int) -> tuple[str, ...]:
        """At most so many lines of text, in their order."""
        value = self._store.value(key)
        lines = [value] if isinstance(value, str) else value  # one alone comes back without its list
        if not isinstance(lines, list):
            return ()
        return tuple(line for line in lines if isinstance(line, str) and line)[:most]

    def remember(self, key: str, value: object) -> None:
        """Store a word, a number or a list of lines."""
        self._store.setValue(key, value)

    def restore_window(self, window: QMainWindow) -> bool:
        """Give a window its last place and size; False if none is known."""
        geometry = self._store.value("window/geometry")
        return isinstance(geometry, QByteArray) and window.restoreGeometry(geometry)

    def remember_window(self, window: QMainWindow) -> None:
        """Store a window's place and size."""
        self._store.setValue("window/geometry", window.saveGeometry())

    def restore_splitter(self, key: str, splitter: QSplitter) -> None:
        """Give a splitter its last shares."""
        state = self._store.value(f"splitter/{key}")
        if isinstance(state, QByteArray):
            splitter.restoreState(state)

    def remember_splitter(self, key: str, splitter: QSplitter) -> None:
        """Store a splitter's shares."""
        self._store.setValue(f"splitter/{key}", splitter.saveState())

    def save(self) -> None:
        """Write to disk now."""
        self._store.sync()
