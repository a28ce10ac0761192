"""The borders between the layers, read from the source."""

import ast
from pathlib import Path

import pytest

import optgui

ROOT = Path(optgui.__file__).parent


def imported(path):
    """Every module a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a border is crossed"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def files(folder):
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def is_in(name, *packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("path", files("core"), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_knows_neither_qt_nor_the_layers_above(path):
    above = ("PySide6", "pyqtgraph", "shiboken6", "optgui.jobs", "optgui.gui", "optgui.app", "optgui.cli")
    assert [name for name in imported(path) if is_in(name, *above)] == []


@pytest.mark.parametrize("path", files("jobs"), ids=lambda path: path.name)
def test_jobs_know_no_widgets_no_torch_and_of_core_the_engine_contract_alone(path):
    beyond = ("PySide6.QtWidgets", "PySide6.QtGui", "pyqtgraph", "torch", "torchvision", "optgui.gui")
    names = imported(path)
    assert [name for name in names if is_in(name, *beyond)] == []
    assert all(is_in(name, "optgui.core.engine") for name in names if is_in(name, "optgui.core"))


@pytest.mark.parametrize("path", files("gui"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_screen_never_imports_torch(path):
    beyond = ("torch", "torchvision", "optgui.app", "optgui.cli")
    assert [name for name in imported(path) if is_in(name, *beyond)] == []


@pytest.mark.parametrize(
    "module", ["gui/main_window.py", "gui/theme.py", "gui/settings.py", "app.py", "preflight.py"]
)
def test_what_paints_the_window_imports_nothing_slow(module):
    slow = ("optgui.core", "pyqtgraph", "numpy", "torch", "torchvision", "pydantic")
    assert [name for name in imported(ROOT / module) if is_in(name, *slow)] == []
