"""Builds the frozen program from a clean checkout, in one command, and tries it out.

    python packaging/build.py

Everything happens in build/: venv/ (made afresh), work/, and the result dist/optgui/. Only the standard
library is needed to start it; pip's own settings decide where packages come from.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path

PACKAGING = Path(__file__).resolve().parent
ROOT = PACKAGING.parent
BUILD = ROOT / "build"
VENV = BUILD / "venv"
DIST = BUILD / "dist"
REPORT_TORCH = """
import torch
print("torch", torch.__version__)
if torch.version.cuda:
    print("Note: this torch brings CUDA, the result will be several GB: see packaging/README.md")
"""
VENV_PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def run(*command: str | Path) -> None:
    """Runs a command to its end, away from packages of the user that are not in the virtual environment."""
    print("+", *command, flush=True)
    # a second site-packages would bring libtorch_cpu in twice: 1.4 GB instead of 0.96
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    subprocess.run([str(word) for word in command], check=True, cwd=ROOT, env=env | {"PYTHONNOUSERSITE": "1"})


def make_venv(keep: bool) -> None:
    """A virtual environment with the project (a copy, not a link to the checkout) and PyInstaller.

    Args:
        keep: take the one that is there, if any, and renew only the copy of the project.
    """
    pip: list[str | Path] = [VENV_PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
    if keep and VENV_PYTHON.exists():
        run(*pip, "--no-deps", "--force-reinstall", ROOT)
    else:
        venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
        run(*pip, f"{ROOT}[package]")
    run(VENV_PYTHON, "-c", REPORT_TORCH)


def freeze() -> None:
    """Runs PyInstaller on the spec."""
    spec = PACKAGING / "optgui.spec"
    folders: list[str | Path] = ["--distpath", DIST, "--workpath", BUILD / "work"]
    run(VENV_PYTHON, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN", *folders, spec)


def size_of(folder: Path) -> tuple[int, int]:
    """Bytes and number of files, links counted as links."""
    sizes = [p.lstat().st_size for p in folder.rglob("*") if p.is_symlink() or p.is_file()]
    return sum(sizes), len(sizes)


def pack() -> Path:
    """One file to hand out, with the licence of the program in it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    name = f"optgui-{version}-{platform.system().lower()}-{platform.machine().lower()}"
    kind = "zip" if sys.platform == "win32" else "gztar"  # zip would lose links and the executable bits
    return Path(shutil.make_archive(str(DIST / name), kind, root_dir=DIST, base_dir="optgui"))


def main() -> int:
    """Builds, measures, tries out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep-venv", action="store_true", help="use the build/venv of the last time again")
    parser.add_argument("--no-smoke", action="store_true", help="build only")
    parser.add_argument("--archive", action="store_true", help="also make one file to hand out")
    arguments = parser.parse_args()

    started = time.perf_counter()
    make_venv(arguments.keep_venv)
    installed = time.perf_counter()
    freeze()
    frozen = time.perf_counter()
    shutil.copy(ROOT / "LICENSE", DIST / "optgui")
    size, files = size_of(DIST / "optgui")
    print(f"virtual environment: {installed - started:.0f} s")
    print(f"PyInstaller: {frozen - installed:.0f} s")
    print(f"size of {DIST / 'optgui'}: {size / 1e6:.0f} MB in {files} files", flush=True)
    if arguments.archive:
        archive = pack()
        print(f"archive: {archive}, {archive.stat().st_size / 1e6:.0f} MB", flush=True)
    if not arguments.no_smoke:
        run(sys.executable, PACKAGING / "smoke.py", DIST)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed with exit code {error.returncode}: {' '.join(error.cmd)}")
