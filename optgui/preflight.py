"""Finds what would make Qt abort, before Qt is asked: a missing display or a missing system library."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import sys
from pathlib import Path

# Library to Debian package, from the NEEDED entries of Qt's xcb platform plugin and of libQt6Gui.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb-glx.so.0": "libxcb-glx0",
}
_GUI_NEEDS = ("libEGL.so.1", "libGL.so.1", "libX11.so.6", "libfontconfig.so.1", "libxkbcommon.so.0")


def preload_c10() -> None:
    """On Windows load torch's c10.dll before Qt: torch 2.9 and later fail after it (WinError 1114)."""
    if sys.platform != "win32":
        return
    found = importlib.util.find_spec("torch")
    library = Path(found.origin).with_name("lib") / "c10.dll" if found and found.origin else None
    if library and library.exists():
        with contextlib.suppress(OSError):  # the real import reports it, with its own words
            ctypes.CDLL(str(library))


def missing_display() -> str:
    """Why no window can be shown here, or an empty string."""
    if sys.platform != "linux" or _platform() not in ("", "xcb", "wayland"):
        return ""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return ""
    return (
        "No display: DISPLAY and WAYLAND_DISPLAY are empty. Start optgui on a desktop, or let "
        "`optgui tour DIR` draw the window into PNG files without one."
    )


def missing_library() -> str:
    """Which system library Qt lacks, with the Debian package that has it, or an empty string."""
    if sys.platform != "linux":
        return ""
    for library in _GUI_NEEDS:
        if sentence := _try(library):
            return sentence
    needs_x = _platform() in ("", "xcb") and os.environ.get("DISPLAY")
    found = importlib.util.find_spec("PySide6")
    if needs_x and found and found.origin:
        plugin = Path(found.origin).parent / "Qt/plugins/platforms/libqxcb.so"
        if plugin.exists():
            return _try(str(plugin))
    return ""


def unsound_binding() -> str:
    """Whether this PySide6 loses references to None, as 6.12.0 does before Python 3.12; a sentence if so."""
    from PySide6 import __version__
    from PySide6.QtCore import QObject

    probe, before = QObject(), sys.getrefcount(None)
    for _ in range(200):
        probe.setObjectName("x")
    if sys.getrefcount(None) > before - 100:
        return ""
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"PySide6 {__version__} loses references on {python} and would crash within seconds. "
        'Install another one: pip install "PySide6-Essentials<6.12"'
    )


def _platform() -> str:
    return os.environ.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]


def _try(library: str) -> str:
    try:
        ctypes.CDLL(library)
    except OSError as error:
        name = str(error).split(":")[0]
        package = PACKAGES.get(name)
        how = (
            f"On Debian or Ubuntu: sudo apt install {package}"
            if package
            else "Install the package that has it."
        )
        return f"A system library is missing: {name}. {how}"
    return ""
