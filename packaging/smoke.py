"""Tries out the frozen program: time to the first painted window, then the program's own smoke test.

    python packaging/smoke.py build/dist

On Linux it runs in an Xvfb of its own, so that no window of the tester is in the way and the screen can be
read without help from the program. Only the standard library is needed.
"""

from __future__ import annotations

import argparse
import contextlib
import mmap
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SCREEN = "1600x1000x24"
PAINTED_SHARE = 0.1  # of the screen; a pointer or a splash of a few pixels is no window
PAINT_TIMEOUT = 60.0
SETTLE = 8.0  # seconds in which torch is imported behind the window; a crash there would show
SMOKE_TIMEOUT = 120.0
SUFFIX = ".exe" if sys.platform == "win32" else ""


class Screen:
    """The frame buffer of an Xvfb, which writes it to a file in XWD format."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        (header_size,) = struct.unpack_from(">I", self._map, 0)
        (colours,) = struct.unpack_from(">I", self._map, 76)
        self._pixels = header_size + 12 * colours
        self._empty = self._sample()

    def _sample(self) -> bytes:
        return self._map[self._pixels :: 388]  # the blue of every 97th pixel

    def painted_share(self) -> float:
        """The share of the screen that no longer looks as it did at the start."""
        now = self._sample()
        return sum(a != b for a, b in zip(now, self._empty, strict=True)) / len(now)


def clean_environment(home: Path) -> dict[str, str]:
    """An environment without the tester's settings, data and Python."""
    dropped = ("PYTHON", "QT_", "LD_", "XDG_", "VIRTUAL_ENV", "WAYLAND_DISPLAY")
    env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        env[name] = str(home)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        env[name] = str(home / name.lower())
        Path(env[name]).mkdir(mode=0o700, exist_ok=True)
    return env


@contextlib.contextmanager
def xvfb(folder: Path) -> Iterator[tuple[str, Screen]]:
    """A virtual display; yields its name and its screen."""
    reader, writer = os.pipe()
    # -retro: a background of black and white pixels, on which a window of any one colour shows
    options = f"-displayfd {writer} -screen 0 {SCREEN} -nolisten tcp -retro -fbdir".split()
    null = subprocess.DEVNULL
    server = subprocess.Popen(["Xvfb", *options, str(folder)], pass_fds=[writer], stdout=null, stderr=null)
    os.close(writer)
    try:
        with os.fdopen(reader) as numbers:
            number = numbers.readline().strip()  # written when the server is ready; empty when it has died
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield f":{number}", Screen(folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait()


def time_to_first_paint(
    program: Path, env: dict[str, str], cwd: Path, screen: Screen, settle: float
) -> float:
    """Seconds from the start of the process to a painted window, read off the screen.

    The program then gets `settle` seconds in which it must not end, and is ended.

    Raises:
        RuntimeError: if the program ends by itself, writes a traceback, or paints nothing.
    """
    deadline = time.perf_counter() + 5.0  # for the window of the run before to go away
    while screen.painted_share() > 0.0 and time.perf_counter() < deadline:
        time.sleep(0.05)
    log = cwd / "window.log"
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen([program], env=env, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        try:
            while (share := screen.painted_share()) < PAINTED_SHARE:
                if process.poll() is not None or time.perf_counter() - started > PAINT_TIMEOUT:
                    break
                time.sleep(0.005)
            elapsed = time.perf_counter() - started
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(settle)
            code = process.poll()
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    text = log.read_text(encoding="utf-8", errors="replace")
    if share < PAINTED_SHARE or code is not None or "Traceback" in text:
        reason = f"painted {share:.0%} of the screen, exit code {code} (None: still running)"
        raise RuntimeError(f"{program.name}: expected a window that stays, got: {reason}\n{text[-4000:]}")
    return elapsed


def check_console(program: Path, env: dict[str, str], cwd: Path, *words: str) -> None:
    """Runs a command of the console program and shows what it says.

    Raises:
        RuntimeError: if it fails or does not end in time.
    """
    print(f"$ {program.name} {' '.join(words)}", flush=True)
    started = time.perf_counter()
    try:
        process = subprocess.run([program, *words], env=env, cwd=cwd, timeout=SMOKE_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{program.name} {words[0]}: no end within {SMOKE_TIMEOUT:.0f} s") from error
    if process.returncode != 0:
        raise RuntimeError(f"{program.name} {words[0]}: expected exit code 0, got {process.returncode}")
    print(f"ok after {time.perf_counter() - started:.1f} s", flush=True)


def check_desktop_entry(folder: Path, env: dict[str, str], cwd: Path) -> None:
    """The menu entry that the frozen program writes must call the frozen window program."""
    check_console(folder / "optgui", env, cwd, "install-desktop")
    (entry,) = Path(env["XDG_DATA_HOME"]).glob("applications/*.desktop")
    expected = f"TryExec={folder / 'optgui-window'}"
    if expected not in entry.read_text(encoding="utf-8").splitlines():
        raise RuntimeError(f"expected the line {expected} in the menu entry, got\n{entry.read_text()}")


def main() -> int:
    """Runs all checks; the first that fails ends it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dist", type=Path, help="the folder that holds optgui/, as PyInstaller makes it")
    parser.add_argument("--runs", type=int, default=3, help="how often to time the first window (default 3)")
    arguments = parser.parse_args()
    folder = arguments.dist.resolve() / "optgui"
    window, console = (folder / f"{name}{SUFFIX}" for name in ("optgui-window", "optgui"))
    for program in (window, console):
        if not program.is_file():
            parser.error(f"expected the program {program}, got nothing; packaging/build.py makes it")

    with contextlib.ExitStack() as stack:
        # its own folder as working directory too: nothing of the checkout may be needed
        cwd = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        env = clean_environment(cwd)
        if sys.platform == "linux" and shutil.which("Xvfb") is not None:
            env["DISPLAY"], screen = stack.enter_context(xvfb(cwd))
            last = arguments.runs - 1
            for run in range(arguments.runs):
                settle = SETTLE if run == last else 0.0
                seconds = time_to_first_paint(window, env, cwd, screen, settle)
                print(f"first painted window, run {run + 1}: {seconds:.2f} s", flush=True)
        else:
            print("time to the first painted window: not measured, it wants Linux and Xvfb", flush=True)
        check_console(console, env, cwd, "smoke")
        if sys.platform == "linux":
            check_desktop_entry(folder, env, cwd)
    print("the frozen program works")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(str(error))
