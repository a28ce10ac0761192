"""The loader imports the slow libraries beside the window and says how it went."""

import threading

import pytest
import shiboken6

from optgui.core import runtime
from optgui.jobs.loader import Loader


@pytest.fixture
def loader(qapp):
    return Loader()


def test_what_was_loaded_is_said_on_the_gui_thread(qtbot, loader, monkeypatch):
    threads = []

    def load():
        threads.append(threading.get_ident())
        return "torch of the test"

    monkeypatch.setattr(runtime, "load", load)
    with qtbot.waitSignal(loader.loaded, timeout=5000) as got:
        loader.start()
    assert got.args == ["torch of the test"]
    assert threads != [threading.get_ident()]


def test_a_failed_import_is_a_sentence_and_a_traceback(qtbot, loader, monkeypatch):
    def load():
        raise ImportError("libtorch_cpu.so: cannot open shared object file")

    monkeypatch.setattr(runtime, "load", load)
    with qtbot.waitSignal(loader.failed, timeout=5000) as got:
        loader.start()
    sentence, details = got.args
    assert sentence == (
        "torch could not be loaded: ImportError: libtorch_cpu.so: cannot open shared object file"
    )
    assert "Traceback" in details


def test_a_window_closed_during_the_import_is_no_error(loader, monkeypatch):
    may_end, failures = threading.Event(), []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    monkeypatch.setattr(runtime, "load", lambda: "late" if may_end.wait(5) else "never")
    earlier = set(threading.enumerate())  # another test's may still be ending
    loader.start()
    (thread,) = [t for t in set(threading.enumerate()) - earlier if t.name == "optgui-loader"]
    shiboken6.delete(loader)
    may_end.set()
    thread.join(5)
    assert not thread.is_alive()
    assert failures == []
