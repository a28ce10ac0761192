"""How a network travels: frozen in memory, safetensors on disk."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from optgui.core.snapshot import NetworkSnapshot, frozen, frozen_copy
from optgui.core.training.models import ModelConfig, make_network, network_of


def make_snapshot(**facts):
    model = ModelConfig.parse({"name": "MLP", "hidden": [5], "activation": "Tanh"})
    network = make_network(model, torch.Generator().manual_seed(3))
    arrays = {name: frozen_copy(value) for name, value in network.state_dict().items()}
    values = {"id": "run1@7", "dataset": "mnist", "step": 7, "test_accuracy": 0.5, **facts}
    return NetworkSnapshot(model=model.model_dump(mode="json"), arrays=arrays, **values)


@pytest.mark.parametrize("facts", [{}, {"test_accuracy": None}, {"id": "run12@0", "step": 0}])
def test_a_saved_snapshot_comes_back_as_it_was(tmp_path, facts):
    snapshot = make_snapshot(**facts)
    snapshot.save(tmp_path / "network.safetensors")
    loaded = NetworkSnapshot.load(tmp_path / "network.safetensors")
    for field in ("id", "model", "dataset", "step", "test_accuracy"):
        assert getattr(loaded, field) == getattr(snapshot, field)
    assert set(loaded.arrays) == set(snapshot.arrays)
    for name, array in loaded.arrays.items():
        np.testing.assert_array_equal(array, snapshot.arrays[name])
        assert not array.flags.writeable
    images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network_of(loaded)(images), network_of(snapshot)(images))


def write_text(path):
    path.write_text("no weights")


def write_foreign_weights(path):
    save_file({"weight": np.zeros(3, np.float32)}, path)


def write_nothing(path):
    path.write_bytes(b"")


def write_cut_off_file(path):
    make_snapshot().save(path)
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    "write", [write_text, write_foreign_weights, write_nothing, write_cut_off_file, None]
)
def test_another_file_is_refused_by_its_name(tmp_path, write):
    path = tmp_path / "holiday.safetensors"
    if write is not None:
        write(path)
    with pytest.raises(
        ValueError, match=r"^holiday\.safetensors: expected the weights of an optgui network, got"
    ):
        NetworkSnapshot.load(path)


def test_frozen_refuses_writing_and_frozen_copy_shares_nothing():
    array = np.zeros(3)
    assert frozen(array) is array
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
    tensor = torch.zeros(3, requires_grad=True)
    copy = frozen_copy(tensor)
    with torch.no_grad():
        tensor += 1
    assert copy.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        copy[0] = 1
