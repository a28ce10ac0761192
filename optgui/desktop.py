"""Puts the program into the menu of a Linux desktop: its entry and its icons, for this user only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from optgui import resources

APP_ID = "io.github.optgui.OptGui"
WINDOW_PROGRAM = "optgui-window"

_NEEDS_QUOTES = frozenset(" \t\n\"'\\><~|&;$*?#()`")


def install_desktop(data_home: Path | None = None) -> list[Path]:
    """Writes the desktop entry and the icons, and returns the files written.

    Running it again, for instance after the program has moved, overwrites them.

    Args:
        data_home: the folder that gets `applications` and `icons`; without it `$XDG_DATA_HOME`, or
            `~/.local/share`.

    Raises:
        ValueError: on another system than Linux, or if the window program cannot be found.
    """
    if sys.platform != "linux":
        raise ValueError(
            f"the menu entry is for Linux desktops: expected the platform linux, got {sys.platform}; "
            f"make a shortcut to {WINDOW_PROGRAM} instead"
        )
    program = _window_program()
    data_home = _user_data_home() if data_home is None else data_home
    applications = data_home / "applications"
    hicolor = data_home / "icons" / "hicolor"

    template = resources.path("desktop", f"{APP_ID}.desktop").read_text(encoding="utf-8")
    entry = applications / f"{APP_ID}.desktop"
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_text(_with_program(template, program), encoding="utf-8")
    written = [entry]

    scalable = resources.path("icons", "optgui.svg")
    written.append(_copy(scalable, hicolor / "scalable" / "apps" / f"{APP_ID}.svg"))
    for png in sorted(scalable.parent.glob("optgui-*.png")):
        size = png.stem.removeprefix("optgui-")
        written.append(_copy(png, hicolor / f"{size}x{size}" / "apps" / f"{APP_ID}.png"))
    os.utime(hicolor)  # desktops look for new icons when the time of the theme's folder has changed

    database = shutil.which("update-desktop-database")
    if database is not None:  # a desktop without it reads the folder itself
        subprocess.run([database, str(applications)], check=False, capture_output=True)
    return written


def _window_program() -> Path:
    """The window program beside the running one: in the same virtual environment or frozen folder."""
    folder = Path(os.path.abspath(sys.executable)).parent  # unresolved: a venv's python links out of it
    beside = folder / WINDOW_PROGRAM
    if beside.is_file():
        return beside
    on_path = shutil.which(WINDOW_PROGRAM)  # pip install --user puts scripts elsewhere
    if on_path is not None:
        return Path(os.path.abspath(on_path))
    raise ValueError(
        f"expected the program {WINDOW_PROGRAM} in {folder} or on PATH, got neither; install optgui again"
    )


def _user_data_home() -> Path:
    named = os.environ.get("XDG_DATA_HOME", "")
    # the XDG base directory specification: a relative path is to be ignored
    return Path(named) if os.path.isabs(named) else Path.home() / ".local" / "share"


def _with_program(template: str, program: Path) -> str:
    """The entry with absolute paths, since a menu does not know the PATH of a virtual environment."""
    lines = []
    for line in template.splitlines():
        if line.startswith("Exec="):
            line = line.replace(WINDOW_PROGRAM, _exec_word(str(program)), 1)
        elif line.startswith("TryExec="):
            line = "TryExec=" + str(program).replace("\\", "\\\\")
        lines.append(line)
    return "\n".join(lines) + "\n"


def _exec_word(path: str) -> str:
    r"""A path as one word of an Exec key (Desktop Entry Specification, "The Exec key").

    There are two escapes, one in the other: the quotes' own, and `\\` for every backslash of any value.
    """
    word = path.replace("%", "%%")
    if _NEEDS_QUOTES.isdisjoint(word):
        return word
    for character in '\\"`$':
        word = word.replace(character, "\\" + character)
    return '"' + word.replace("\\", "\\\\") + '"'


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target
