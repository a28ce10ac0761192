"""What every test relies on: no display, no user folders, one torch thread, no thread left behind."""

import os
import weakref

if not os.environ.get("OPTGUI_TEST_DISPLAY"):  # set by the e2e run, which wants a real (virtual) screen
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

import pytest
import shiboken6
import torch
from PySide6.QtCore import QSettings, QThread


@pytest.fixture(autouse=True)
def _one_torch_thread():
    torch.get_num_threads()  # a thread that has not computed yet would take another's number when it does
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory, monkeypatch):
    """Settings, data and caches of the person who runs the tests stay untouched."""
    home = tmp_path_factory.mktemp("home")
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(home / "settings"))


_started: weakref.WeakSet[QThread] = weakref.WeakSet()
_start = QThread.start


def _start_and_remember(thread, *args):
    _started.add(thread)
    _start(thread, *args)


QThread.start = _start_and_remember


@pytest.fixture(autouse=True)
def _no_thread_left():
    """Fail a test that leaves a QThread running; those of a fixture of the module are its own affair."""
    _started.clear()
    yield
    left = [thread for thread in _started if shiboken6.isValid(thread) and thread.isRunning()]
    assert not left


def pytest_collection_modifyitems(items):
    """Leave out what drives the whole program on a screen, unless a screen was said to be there."""
    if not os.environ.get("OPTGUI_TEST_DISPLAY"):
        skip = pytest.mark.skip(reason="drives the whole program: set OPTGUI_TEST_DISPLAY=1 on a screen")
        for item in items:
            if item.get_closest_marker("e2e"):
                item.add_marker(skip)


def needs_mnist():
    """A mark for tests that need the real MNIST, which the project does not hold."""
    from optgui.core.training import datasets

    try:
        absent = datasets.find("mnist") is None or not os.environ.get("OPTGUI_DATA")
    except ValueError:
        absent = True
    return pytest.mark.skipif(
        absent, reason="needs the real MNIST: set OPTGUI_DATA to a folder that holds it"
    )
