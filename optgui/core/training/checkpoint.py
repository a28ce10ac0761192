"""Files of a run that can go on: safetensors for the arrays, JSON for everything else, no pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

FORMAT = "optgui-checkpoint-1"


def write(path: Path, state: dict[str, Any]) -> None:
    """Write nested dicts and lists of tensors, numbers and words; the file appears whole or not at all."""
    tensors: dict[str, torch.Tensor] = {}
    text = json.dumps(_pack(state, tensors))
    partial = path.with_name(path.name + ".part")
    save_file(tensors, partial, metadata={"format": FORMAT, "state": text})
    partial.replace(path)


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
        state = _unpack(json.loads(facts["state"]), tensors)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path.name}: expected a checkpoint of optgui, got {error}") from None
    assert isinstance(state, dict)
    return state


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
