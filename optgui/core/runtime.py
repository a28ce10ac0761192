"""The door to torch and torchvision: their slow imports, known defects, devices and thread count."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import torch

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept: list[Any] = []  # a torch.library.Library forgets its operators when it is collected

DEVICES = (("auto", "best at hand"), ("cpu", "CPU"), ("cuda", "CUDA GPU"), ("mps", "Apple GPU"))


def load() -> str:
    """Pay for every slow import at once, in the loader's thread; returns a line about what was loaded.

    The throw-away optimizer is there because the first one imports torch._dynamo (0.9 s), which
    would otherwise be paid when a person presses Start.
    """
    use_threads(1)
    torchvision("datasets")
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    for module in ("surface", "training", "attack"):
        importlib.import_module(f"optgui.core.{module}")
    return f"torch {torch.__version__}"


def torchvision(submodule: str) -> ModuleType:
    """Import `torchvision.<submodule>`, also where torchvision was built for another torch.

    A CPU-only torch beside the stock torchvision lacks the operators `nms` and `qnms`, and the import
    fails on them; nothing here needs them, so they are declared and the import is tried again.
    """
    name = f"torchvision.{submodule}"
    try:
        return importlib.import_module(name)
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for loaded in [key for key in sys.modules if key.split(".")[0] == "torchvision"]:
        del sys.modules[loaded]
    library: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    _kept.append(library)
    for signature in _OPERATORS:
        library.define(signature)
    return importlib.import_module(name)


def use_threads(count: int) -> None:
    """Set torch's thread count, which torch keeps per thread: every computing thread calls this first.

    A thread that has not computed yet takes the number any thread has set last, unless it was asked first.
    """
    torch.get_num_threads()
    torch.set_num_threads(count)


def device(name: str) -> torch.device:
    """The device called `name`; `auto` takes a CUDA GPU where there is one and the CPU otherwise.

    Raises:
        ValueError: if the device is not on this computer.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: expected one on this computer, got cuda, and torch finds no CUDA GPU")
    if name == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device: expected one on this computer, got mps, and torch finds no Apple GPU")
    return torch.device(name)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a GPU has no memory left; MPS and cuBLAS say it in words only."""
    words = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    )
