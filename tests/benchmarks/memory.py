"""Peak memory of the program training MNIST in its window, beside a script that only holds what it must.

This module imports neither Qt nor torch, for a child process starts with its parent's peak.
"""

from __future__ import annotations

import subprocess
import sys

from tests.benchmarks.report import Row, Skipped
from tests.benchmarks.screen import screen

ABSENT = 77  # exit code of a child without MNIST

PEAK = """
import resource
unit = 1 if sys.platform == "darwin" else 1024  # bytes, or kB
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""

OURS = """
import sys
from optgui.jobs.messages import JobState
from tests.benchmarks.networks import config
from tests.benchmarks.window import opened_window, wait_until

with opened_window() as window:
    window.go_to("training")
    panel = window.training.panel
    window.training.open_config(config())
    panel.start()
    wait_until(lambda: panel.state in (JobState.FINISHED, JobState.FAILED))
    assert panel.state is JobState.FINISHED
"""

PLAIN = """
import sys
import pyqtgraph, torch
from PySide6 import QtWidgets
from optgui.core import runtime
from optgui.core.training.datasets import find

if find("mnist") is None:
    sys.exit(77)
torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
MNIST = runtime.torchvision("datasets").MNIST
held = []
for train in (True, False):
    data = MNIST(find("mnist"), train=train)
    held += [data.data, data.targets, data.data.unsqueeze(1).float().div_(255).sub_(0.1307).div_(0.3081)]
"""


def rows() -> list[Row]:
    if sys.platform == "win32":
        raise Skipped("the peak is read with getrusage, which Windows lacks")
    with screen():
        plain, ours = _peak(PLAIN), _peak(OURS)
    what = "peak memory: trained in the window against libraries and tensors"
    return [Row(what, ours, plain, "MB", note="resident, of the whole process")]


def _peak(program: str) -> float:
    """Megabytes (10**6 bytes)."""
    child = subprocess.run([sys.executable, "-c", program + PEAK], capture_output=True, text=True)
    if child.returncode == ABSENT:
        raise Skipped("dataset: expected the four MNIST files, got none; set OPTGUI_DATA")
    lines = [line for line in child.stdout.splitlines() if line.startswith("peak ")]
    if not lines:
        raise RuntimeError(child.stderr.strip().splitlines()[-1])
    return float(lines[0].split()[1]) / 1e6
