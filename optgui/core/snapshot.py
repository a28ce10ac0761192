"""How a network travels between threads, tabs and files: frozen arrays and where they come from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class NetworkSnapshot:
    """A network as it stood between two steps.

    `arrays` holds the state dict by name, read-only float32. `model` is the JSON of the model config, so
    that this module needs neither torch nor the models. `test_accuracy` is None until it was measured
    on exactly these weights.
    """

    id: str  # "<run>@<step>"
    model: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    dataset: str
    step: int
    test_accuracy: float | None = None

    def save(self, path: Path) -> None:
        """Write a safetensors file whose metadata says what the network is; no pickle."""
        from safetensors.numpy import save_file

        facts = {field: json.dumps(getattr(self, field)) for field in _FACTS}
        save_file(dict(self.arrays), path, metadata=facts)

    @classmethod
    def load(cls, path: Path) -> NetworkSnapshot:
        """Read a file of `save`.

        Raises:
            ValueError: if the file is not one, with its name.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                facts = file.metadata() or {}
                arrays = {name: frozen(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
            return cls(arrays=arrays, **{field: json.loads(facts[field]) for field in _FACTS})
        except (SafetensorError, KeyError, json.JSONDecodeError, OSError) as error:
            raise ValueError(f"{path.name}: expected the weights of an optgui network, got {error}") from None


_FACTS = ("id", "model", "dataset", "step", "test_accuracy")


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """`array` itself, made read-only."""
    array.flags.writeable = False
    return array


def frozen_copy(array: Any) -> NDArray[Any]:
    """A read-only copy of an array or of a tensor on any device."""
    return frozen(np.array(array.detach().cpu().numpy() if hasattr(array, "detach") else array))
