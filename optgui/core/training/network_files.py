"""Networks out of files: weights that were saved, or the network of a saved run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optgui.core.snapshot import NetworkSnapshot, frozen_copy
from optgui.core.training.checkpoint import FORMAT, read_run
from optgui.core.training.models import ModelConfig, blank_network

SUFFIX = ".safetensors"


def read_network(path: str | Path) -> NetworkSnapshot:
    """The network of a file of `NetworkSnapshot.save`, or of a checkpoint.

    Raises:
        ValueError: naming the file, if it holds no such network or its weights do not fit its model.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ValueError(
            f"{path.name}: expected weights in a file {SUFFIX}, got {path.suffix or 'no ending'}"
        )
    snapshot = _of_run(path) if _is_run(path) else NetworkSnapshot.load(path)
    try:
        model = ModelConfig.parse(snapshot.model)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    expected = {name: tuple(value.shape) for name, value in blank_network(model).state_dict().items()}
    found = {name: array.shape for name, array in snapshot.arrays.items()}
    for name in expected.keys() | found.keys():
        if expected.get(name) != found.get(name):
            words = f"{name}: expected shape {expected.get(name, 'none')}, got {found.get(name, 'none')}"
            raise ValueError(f"{path.name}: {words}")
    return snapshot


def _is_run(path: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError):
        return False


def _of_run(path: Path) -> NetworkSnapshot:
    state: dict[str, Any] = read_run(path)
    try:
        arrays = {name: frozen_copy(value) for name, value in state["network"].items()}
        config, step = state["config"], int(state["progress"][0])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{path.name}: expected a checkpoint of optgui, got {error}") from None
    return NetworkSnapshot(
        f"{path.stem}@{step}", config.model.model_dump(mode="json"), arrays, config.dataset, step
    )
