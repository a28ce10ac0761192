"""What every test relies on: no display, no user folders, one torch thread, no thread left behind."""

import gc
import os

if not os.environ.get("OPTGUI_TEST_DISPLAY"):  # set by the e2e run, which wants a real (virtual) screen
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

import pytest
import torch
from PySide6.QtCore import QSettings, QThread


@pytest.fixture(autouse=True)
def _one_torch_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory, monkeypatch):
    """Settings, data and caches of the person who runs the tests stay untouched."""
    home = tmp_path_factory.mktemp("home")
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(home / "settings"))


@pytest.fixture(autouse=True)
def _no_thread_left(request):
    """Fail a test that leaves a QThread running."""
    yield
    if "qtbot" in request.fixturenames:
        threads = [found for found in gc.get_objects() if type(found) is QThread]
        assert not [t for t in threads if t is not QThread.currentThread() and t.isRunning()]


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
