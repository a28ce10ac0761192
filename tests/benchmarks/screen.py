"""A screen of 1280 x 800 to open windows on, and settings of nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.report import Skipped


@contextmanager
def screen() -> Iterator[None]:
    """The display at hand, else an Xvfb of our own; config, cache and state folders are empty ones.

    Raises:
        Skipped: without both.
    """
    before = dict(os.environ)
    server = None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in ("CONFIG", "CACHE", "STATE"):  # not DATA: a downloaded MNIST lies there
            os.environ[f"XDG_{name}_HOME"] = os.path.join(folder, name.lower())
        try:
            if sys.platform.startswith("linux") and not (
                os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
            ):
                server = _start_server()
            os.environ.pop("QT_QPA_PLATFORM", None)
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            if server is not None:
                server.terminate()
                server.wait()


def _start_server() -> subprocess.Popen[bytes]:
    program = shutil.which("Xvfb")
    if program is None:
        raise Skipped("no display, and no Xvfb to make one")
    read, write = os.pipe()
    with open(read, "rb", closefd=True) as answer:
        server = subprocess.Popen(
            [program, "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        number = answer.readline().strip()
    if not number:
        server.wait()
        raise Skipped("no display, and Xvfb did not start")
    os.environ["DISPLAY"] = f":{number.decode()}"
    return server
