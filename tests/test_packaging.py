from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PACKAGING = ROOT / "packaging"
ICONS = ROOT / "resources" / "icons"
APP_ID = "io.github.optgui.OptGui"
ENTRY = ROOT / "resources" / "desktop" / f"{APP_ID}.desktop"
METAINFO = PACKAGING / f"{APP_ID}.metainfo.xml"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run_validator(name: str, package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed (package {package})")
    return subprocess.run([program, *arguments], capture_output=True, text=True)


def test_desktop_entry_is_valid_without_a_hint() -> None:
    result = run_validator("desktop-file-validate", "desktop-file-utils", str(ENTRY))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_metainfo_is_valid() -> None:
    result = run_validator("appstreamcli", "appstream", "validate", "--no-net", str(METAINFO))
    assert result.returncode == 0, result.stdout
    assert not re.search(r"^[EW]:", result.stdout, re.MULTILINE), result.stdout


def test_newest_release_of_the_metainfo_is_the_version_of_the_project() -> None:
    releases = ElementTree.parse(METAINFO).getroot().findall("releases/release")
    assert releases[0].get("version") == PYPROJECT["project"]["version"]


def test_metainfo_and_desktop_entry_name_the_same_program() -> None:
    metainfo = ElementTree.parse(METAINFO).getroot()
    entry = dict(line.split("=", 1) for line in ENTRY.read_text(encoding="utf-8").splitlines() if "=" in line)
    assert metainfo.findtext("id") == APP_ID == entry["Icon"]
    assert metainfo.findtext("launchable") == ENTRY.name
    assert metainfo.findtext("name") == entry["Name"]
    assert metainfo.findtext("project_license") == PYPROJECT["project"]["license"]
    programs = {**PYPROJECT["project"]["scripts"], **PYPROJECT["project"]["gui-scripts"]}
    assert {binary.text for binary in metainfo.findall("provides/binary")} == set(programs)
    assert entry["TryExec"] in PYPROJECT["project"]["gui-scripts"]


@pytest.mark.parametrize("size", [16, 22, 24, 32, 48, 64, 128, 256, 512])
def test_icon_has_the_size_in_its_name(size: int) -> None:
    with Image.open(ICONS / f"optgui-{size}.png") as image:
        assert image.size == (size, size)
        assert image.mode == "RGBA"
        assert image.getpixel((0, 0))[3] < 255, "the corners of the tile are round"
        assert image.getpixel((size // 2, size // 2))[3] == 255


def test_windows_icon_holds_all_sizes() -> None:
    with Image.open(PACKAGING / "optgui.ico") as image:
        assert image.info["sizes"] == {(s, s) for s in (16, 24, 32, 48, 64, 128, 256)}


def test_macos_icon_holds_the_large_sizes() -> None:
    with Image.open(PACKAGING / "optgui.icns") as image:
        pixels = {width * scale for width, _, scale in image.info["sizes"]}
    assert pixels >= {32, 256, 512, 1024}


@pytest.mark.parametrize("name", ["optgui.spec", "build.py", "smoke.py", "launch.py", "make_icons.py"])
def test_file_compiles(name: str) -> None:
    compile((PACKAGING / name).read_text(encoding="utf-8"), name, "exec")


def test_folder_does_not_shadow_the_package_of_the_same_name() -> None:
    assert not (PACKAGING / "__init__.py").exists()


def literal_of_the_spec(name: str) -> object:
    for node in ast.parse((PACKAGING / "optgui.spec").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"no {name} in optgui.spec")


@pytest.mark.parametrize(
    "needed",
    [
        "torch/bin/torch_shm_manager",
        "torch/lib/libtorch_cpu.so",
        "torch/lib/libtorch_global_deps.so",
        "torch/testing/__init__.py",
        "torchvision/_C.so",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/plugins/platforms/libqoffscreen.so",
        "PySide6/Qt/plugins/iconengines/libqsvgicon.so",
        "PySide6/Qt/plugins/platformthemes/libqxdgdesktopportal.so",
        "PySide6/Qt/lib/libQt6OpenGLWidgets.so.6",
        "PySide6/Qt/translations/qtbase_de.qm",
        "pillow.libs/libharfbuzz-fb49c9fc.so.0",
        "libglib-2.0.so.0",
        "libxcb-cursor.so.0",
        "resources/icons/optgui.svg",
    ],
)
def test_bundle_keeps_what_the_program_needs(needed: str) -> None:
    assert not re.search(str(literal_of_the_spec("DROPPED")), needed)


@pytest.mark.parametrize(
    "useless",
    [
        "torch/bin/protoc",
        "torch/test/test_jit",
        "torch/include/torch/script.h",
        "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
        "PySide6/Qt/lib/libQt6Quick.so.6",
        "PySide6/Qt/lib/libQt6EglFSDeviceIntegration.so.6",
        "PySide6/Qt/translations/assistant_de.qm",
        "libgtk-3.so.0",
        "libcairo.so.2",
    ],
)
def test_bundle_drops_what_nobody_calls(useless: str) -> None:
    assert re.search(str(literal_of_the_spec("DROPPED")), useless)


@pytest.mark.parametrize(
    "module",
    [
        "sympy", "mpmath", "unittest", "pydoc", "pygments",
        "torch.testing", "torch.distributed", "torch._dynamo", "torch._inductor",
    ],
)  # fmt: skip
def test_modules_that_torch_and_superqt_import_are_not_excluded(module: str) -> None:
    excluded = literal_of_the_spec("EXCLUDED")
    assert isinstance(excluded, list)
    assert module not in excluded
