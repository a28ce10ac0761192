"""Networks out of checkpoints and files."""

import dataclasses

import numpy as np
import pytest

from optgui.core.snapshot import frozen
from optgui.core.training.network_files import read_network
from optgui.core.training.requests import Mark, NetworkAt, Rewind
from tests.samples import finish, training


@pytest.fixture(scope="module")
def engine():
    run = training(model={"name": "MLP", "hidden": [8]}, epochs=2)
    finish(run)
    return run


def same(one, other):
    return one.arrays.keys() == other.arrays.keys() and all(
        np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays
    )


def test_a_saved_network_comes_back(engine, tmp_path):
    snapshot = engine.answer("snapshot")
    snapshot.save(tmp_path / "net.safetensors")
    found = read_network(tmp_path / "net.safetensors")
    assert same(found, snapshot)
    assert (found.id, found.model, found.dataset) == (snapshot.id, snapshot.model, snapshot.dataset)


def test_the_network_of_a_saved_run_comes_out_of_its_checkpoint(engine, tmp_path):
    engine.save_checkpoint(tmp_path / "run.safetensors")
    found = read_network(tmp_path / "run.safetensors")
    assert same(found, engine.answer("snapshot"))
    assert found.id == f"run@{engine.answer('snapshot').step}"


def test_the_network_of_a_checkpoint_is_the_one_of_then(engine):
    node = engine.answer(Mark("here"))
    before = engine.answer("snapshot")
    assert same(engine.answer(NetworkAt(node.id)), before)
    engine.answer(Rewind(engine.frame().nodes[0].id))
    assert not same(engine.answer("snapshot"), before)
    assert same(engine.answer(NetworkAt(node.id)), before)
    assert engine.answer("snapshot").id != engine.answer(NetworkAt(engine.frame().nodes[0].id)).id
    with pytest.raises(ValueError, match="node: expected one of the checkpoints that are kept, got 999"):
        engine.answer(NetworkAt(999))


def test_another_ending_is_refused_by_its_name(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"weights.pt: expected weights in a file .safetensors, got .pt"):
        read_network(tmp_path / "weights.pt")


def test_a_damaged_file_is_refused_by_its_name(tmp_path):
    (tmp_path / "net.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"net\.safetensors: expected the weights of an optgui network"):
        read_network(tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"none\.safetensors: expected"):
        read_network(tmp_path / "none.safetensors")


def test_weights_that_do_not_fit_their_model_are_refused(engine, tmp_path):
    snapshot = engine.answer("snapshot")
    name = next(iter(snapshot.arrays))
    wrong = {**snapshot.arrays, name: frozen(np.zeros((3, 3), np.float32))}
    dataclasses.replace(snapshot, arrays=wrong).save(tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=rf"net.safetensors: {name}: expected shape .*, got \(3, 3\)"):
        read_network(tmp_path / "net.safetensors")


def test_an_unknown_model_is_refused(engine, tmp_path):
    snapshot = dataclasses.replace(engine.answer("snapshot"), model={"name": "Transformer"})
    snapshot.save(tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"net\.safetensors: name: expected one of MLP"):
        read_network(tmp_path / "net.safetensors")
