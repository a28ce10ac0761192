"""The tour drives the whole program from the first paint to a fooled network, and leaves pictures of it."""

import json
import os
import subprocess
import sys

import pytest
from PySide6.QtGui import QImage

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_tour_tells_the_whole_story_in_pictures_and_numbers(tmp_path, look):
    pictures = tmp_path / "pictures"
    done = subprocess.run(
        [sys.executable, "-m", "optgui", "tour", str(pictures), "--size=1280x800", f"--look={look}"],
        capture_output=True,
        text=True,
        timeout=400,
        env={**os.environ, **{f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE")}},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads((pictures / "summary.json").read_text(encoding="utf-8"))
    files = sorted(path.name for path in pictures.glob("*.png"))
    assert files == summary["pictures"]
    assert len(files) >= 7
    for name in files:
        image = QImage(str(pictures / name))
        assert (image.width(), image.height()) == (1280, 800)
        colours = {image.pixel(x, y) for x in range(0, 1280, 7) for y in range(0, 800, 7)}
        assert len(colours) > (3 if "loading" in name else 40), name
    losses = [loss for _, loss in summary["surface"]["losses"].values()]
    assert len(losses) == 3
    assert min(losses) < 0.01
    assert float(summary["training"]["test_accuracy"].removesuffix(" %")) > 90
    assert int(summary["attack"]["fooled_at"].replace(",", "")) > 0
    assert summary["attack"]["network"].startswith("run")
