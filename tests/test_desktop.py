from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from optgui import desktop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="desktop entries are a Linux thing")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A window program beside the interpreter, in a folder whose name needs every kind of quoting."""
    folder = tmp_path / 'pro gram $HOME 100% "x"'
    folder.mkdir()
    window = folder / "optgui-window"
    window.write_text("#!/bin/sh\n")
    window.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return window


def exec_of(entry: Path) -> list[str]:
    """The Exec key taken apart as a desktop does: value escapes, then quotes, then field codes."""
    (line,) = [line for line in entry.read_text().splitlines() if line.startswith("Exec=")]
    command = line.removeprefix("Exec=").replace("\\\\", "\\")
    # the shell, since the specification takes its rules for double quotes; shlex leaves the escape before $
    words = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True
    )
    return [word.replace("%%", "%") for word in words.stdout.splitlines()]


def test_entry_calls_the_window_program_by_its_absolute_path(tmp_path: Path, program: Path) -> None:
    entry = desktop.install_desktop(tmp_path / "data")[0]
    assert entry == tmp_path / "data" / "applications" / "io.github.optgui.OptGui.desktop"
    assert exec_of(entry) == [str(program), "%f"]
    assert f"TryExec={program}" in entry.read_text().splitlines()


def test_entry_differs_from_the_template_only_in_the_program(tmp_path: Path, program: Path) -> None:
    entry = desktop.install_desktop(tmp_path / "data")[0]
    template = desktop.resources.path("desktop", entry.name).read_text().splitlines()
    changed = [old for old, new in zip(template, entry.read_text().splitlines(), strict=True) if old != new]
    assert changed == ["Exec=optgui-window %f", "TryExec=optgui-window"]


def test_backslash_in_the_path_survives_both_escapes(
    tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "back\\slash `tick`"
    odd.mkdir()
    shutil.copy(program, odd)
    monkeypatch.setattr(sys, "executable", str(odd / "python"))
    assert exec_of(desktop.install_desktop(tmp_path / "data")[0]) == [str(odd / "optgui-window"), "%f"]


def test_icons_lie_in_the_theme_folders_of_their_sizes(tmp_path: Path, program: Path) -> None:
    _, scalable, *pngs = desktop.install_desktop(tmp_path)
    hicolor = tmp_path / "icons" / "hicolor"
    assert scalable == hicolor / "scalable" / "apps" / "io.github.optgui.OptGui.svg"
    sizes = set()
    for png in pngs:
        with Image.open(png) as image:
            assert png == hicolor / f"{image.width}x{image.height}" / "apps" / "io.github.optgui.OptGui.png"
            sizes.add(image.width)
    assert sizes == {16, 22, 24, 32, 48, 64, 128, 256, 512}


def test_second_installation_overwrites_the_first(tmp_path: Path, program: Path) -> None:
    first = desktop.install_desktop(tmp_path / "data")
    first[0].write_text("stale")
    assert desktop.install_desktop(tmp_path / "data") == first
    assert exec_of(first[0])[0] == str(program)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("{tmp}/xdg", "xdg"), ("", "home/.local/share"), ("relative", "home/.local/share")],
)
def test_without_a_folder_the_users_data_home_is_taken(
    tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch, value: str, expected: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", value.format(tmp=tmp_path))
    assert desktop.install_desktop()[0].parent == tmp_path / expected / "applications"


def test_program_elsewhere_on_path_is_found(
    tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "python"))
    monkeypatch.setenv("PATH", str(program.parent))
    assert exec_of(desktop.install_desktop(tmp_path / "data")[0])[0] == str(program)


def test_missing_program_is_named_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"expected the program optgui-window in .*bare or on PATH"):
        desktop.install_desktop(tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_other_systems_are_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ValueError, match="expected the platform linux, got win32"):
        desktop.install_desktop(tmp_path)
    assert not list(tmp_path.iterdir())


def test_installed_entry_is_valid(tmp_path: Path, program: Path) -> None:
    validator = shutil.which("desktop-file-validate")
    if validator is None:
        pytest.skip("desktop-file-validate is not installed (package desktop-file-utils)")
    entry = desktop.install_desktop(tmp_path / "data")[0]
    result = subprocess.run([validator, str(entry)], capture_output=True, text=True)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_module_imports_neither_qt_nor_torch() -> None:
    code = "import sys, optgui.desktop; sys.exit(bool({'PySide6', 'torch'} & set(sys.modules)))"
    root = Path(desktop.__file__).resolve().parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
