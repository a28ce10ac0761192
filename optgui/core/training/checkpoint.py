"""Files of a run that can go on: safetensors for the arrays, JSON for everything else, no pickle."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from optgui.core.params import changes
from optgui.core.training.config import TrainingConfig
from optgui.core.training.records import LoggedEdit

FORMAT = "optgui-checkpoint-3"
OWN = ("device", "threads")  # of whoever goes on with a run, not of the run


def write_run(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run; see `write`."""
    edits = [[edit.step, edit.config.model_dump(mode="json")] for edit in state["edits"]]
    configs = {name: state[name].model_dump(mode="json") for name in ("config", "start")}
    write(path, {**state, **configs, "edits": edits})


def read_run(path: Path) -> dict[str, Any]:
    """What `write_run` wrote.

    Raises:
        ValueError: naming the file, if it is not the checkpoint of a run or is damaged.
    """
    state = read(path)
    try:
        state["config"], state["start"] = (TrainingConfig.parse(state[name]) for name in ("config", "start"))
        state["edits"] = tuple(LoggedEdit(step, TrainingConfig.parse(data)) for step, data in state["edits"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: expected a checkpoint of optgui, got {error}") from None
    return state


def check_fits(path: Path, config: TrainingConfig, running: TrainingConfig) -> None:
    """Let a run go on from a file only if model, data and seed are the same.

    Raises:
        ValueError: naming the file and the first field that differs.
    """
    for change in changes(running, config):
        if not (change.live or change.path in OWN):
            raise ValueError(
                f"{path.name}: {change.path}: expected {change.old} as in this run, got {change.new}"
            )


def write(path: Path, state: dict[str, Any]) -> None:
    """Write nested dicts and lists of tensors, numbers and words; the file appears whole or not at all.

    Raises:
        ValueError: naming the file, if it cannot be written.
    """
    tensors: dict[str, torch.Tensor] = {}
    text = json.dumps(_pack(state, tensors))
    partial = path.with_name(path.name + ".part")
    try:
        facts = {"format": FORMAT, "state": text, "sum": _checksum(text, tensors)}
        save_file(tensors, partial, metadata=facts)
        partial.replace(path)
    except (SafetensorError, OSError) as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise ValueError(f"{path.name}: expected a file that can be written, got {error}") from None


def read(path: Path) -> dict[str, Any]:
    """What `write` wrote, tensors on the CPU.

    Raises:
        ValueError: naming the file, if it is not a checkpoint or is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            if facts.get("format") != FORMAT:
                raise ValueError(f"format {facts.get('format')!r}")
            # Cloned, because sums depend on how memory is aligned and the file's own memory is not.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        if facts["sum"] != _checksum(facts["state"], tensors):
            raise ValueError("one whose contents have changed since it was written")
        state = _unpack(json.loads(facts["state"]), tensors)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path.name}: expected a checkpoint of optgui, got {error}") from None
    assert isinstance(state, dict)
    return state


def _checksum(text: str, tensors: Mapping[str, torch.Tensor]) -> str:
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        found.update(tensors[name].numpy().tobytes())
    return found.hexdigest()


def _pack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = f"tensor{len(tensors)}"
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[_pack(key, tensors), _pack(item, tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [_pack(item, tensors) for item in value]}
    return value


def _unpack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {_unpack(key, tensors): _unpack(item, tensors) for key, item in content}
    items = [_unpack(item, tensors) for item in content]
    return tuple(items) if kind == "tuple" else items
