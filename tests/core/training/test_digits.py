"""Data sets: reading, refusing damaged files, downloading from a host on this computer, drawing, keeping."""

import dataclasses
import errno
import gzip
import hashlib
import http.server
import os
import socket
import struct
import threading
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch

from optgui.core import runtime
from optgui.core.engine import RunFailed, build, engine_class
from optgui.core.training import datasets, digits, download, strokes, strokes_cache
from optgui.core.training.digits import DATASETS, DigitsConfig, DigitsEngine, is_ready, load_digits, prepare

REAL = os.environ.get("OPTGUI_DATA")
TRAIN, TEST = 300, 20
NAMES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]
FIELDS = ["train_images", "train_labels", "test_images", "test_labels"]
DOWNLOADED = [name for name, entry in DATASETS.items() if entry.torchvision]


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Nothing of the user's is read or written, and nothing is in memory."""
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda *_, **__: str(tmp_path / "data"))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))
    monkeypatch.delenv("OPTGUI_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(digits, "_memory", {})
    monkeypatch.setattr(digits, "_jobs", {})


@pytest.fixture
def small(monkeypatch):
    """Data sets of few images."""
    for name, entry in DATASETS.items():
        fewer = dataclasses.replace(entry, train_count=TRAIN, test_count=TEST)
        monkeypatch.setitem(DATASETS._entries, name, fewer)


@pytest.fixture
def arrays():
    """Made-up images and labels, by the names of their files."""
    rng = np.random.default_rng(0)
    made = {}
    for part, count in (("train", TRAIN), ("t10k", TEST)):
        made[f"{part}-images-idx3-ubyte"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        made[f"{part}-labels-idx1-ubyte"] = rng.integers(0, 10, count, dtype=np.uint8)
    return made


def idx(array):
    return struct.pack(f">{1 + array.ndim}I", 0x800 | array.ndim, *array.shape) + array.tobytes()


def put_files(raw, arrays):
    raw.mkdir(parents=True)
    for name, array in arrays.items():
        (raw / name).write_bytes(idx(array))
    return raw


# ---------------------------------------------------------------------------- registry and config


@pytest.mark.parametrize("name", DOWNLOADED)
def test_an_entry_agrees_with_torchvision(name):
    entry = DATASETS[name]
    source = getattr(runtime.torchvision("datasets"), entry.torchvision)
    assert [label.split(" - ")[0] for label in source.classes] == list(entry.class_names)
    files = [f"{entry.torchvision}/raw/{archive.removesuffix('.gz')}" for archive, _ in source.resources]
    assert files == list(datasets.files_of(entry))
    assert source.mirrors
    assert entry.download_bytes > 1e7


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_can_be_chosen_and_survives_json(name):
    config = DigitsConfig.parse({"dataset": name})
    assert DigitsConfig.model_validate_json(config.model_dump_json()) == config
    assert len(DATASETS[name].class_names) == 10
    assert not DigitsEngine(config).done


def test_an_unknown_data_set_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"dataset: expected one of mnist, .*builtin, got 'emnist'"):
        DigitsConfig.parse({"dataset": "emnist"})
    for door in (load_digits, is_ready, digits.find):
        with pytest.raises(ValueError, match=r"dataset: expected one of mnist, .*builtin, got 'emnist'"):
            door("emnist")


def test_the_engine_is_registered_as_digits():
    assert engine_class("digits") is DigitsEngine
    assert isinstance(build("digits", DigitsConfig(dataset="builtin")), DigitsEngine)


# ------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("name", DOWNLOADED)
def test_files_of_torchvisions_layout_are_read(small, arrays, tmp_path, monkeypatch, name):
    put_files(tmp_path / "mine" / DATASETS[name].torchvision / "raw", arrays)
    monkeypatch.setenv("OPTGUI_DATA", str(tmp_path / "mine"))
    assert is_ready(name)
    loaded = load_digits(name)
    for field, file in zip(FIELDS, NAMES, strict=True):
        array = getattr(loaded, field)
        np.testing.assert_array_equal(array, arrays[file])
        assert array.dtype == (np.uint8 if "images" in field else np.int64)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert (loaded.name, loaded.source) == (name, str(tmp_path / "mine"))
    assert load_digits(name) is loaded


def test_the_users_own_folder_comes_after_optgui_data(small, arrays, tmp_path, monkeypatch):
    put_files(tmp_path / "data" / "MNIST" / "raw", arrays)
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("OPTGUI_DATA", str(tmp_path / "mine"))
    assert digits.data_roots() == [tmp_path / "mine", tmp_path / "data"]
    assert digits.find("mnist") == tmp_path / "data"
    put_files(tmp_path / "mine" / "MNIST" / "raw", arrays)
    assert digits.find("mnist") == tmp_path / "mine"


def test_a_folder_of_optgui_data_that_does_not_exist_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTGUI_DATA", str(tmp_path / "nowhere"))
    for door in (load_digits, is_ready):
        with pytest.raises(ValueError, match=r"OPTGUI_DATA: expected an existing folder, got .*nowhere"):
            door("mnist")
    with pytest.raises(RunFailed, match="OPTGUI_DATA: expected an existing folder"):
        DigitsEngine(DigitsConfig(dataset="mnist")).step()


def test_missing_files_are_refused_with_the_folders_searched(small, arrays, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("OPTGUI_DATA", str(tmp_path / "mine"))
    with pytest.raises(
        ValueError, match=r"^dataset: expected the four MNIST files in .*, got none; use"
    ) as told:
        load_digits("mnist")
    for root in ("mine", "data"):
        assert str(tmp_path / root / "MNIST" / "raw") in str(told.value)
    raw = put_files(tmp_path / "mine" / "MNIST" / "raw", arrays)
    (raw / NAMES[3]).unlink()
    assert not is_ready("mnist")
    with pytest.raises(ValueError, match="got 3; use the built-in digits or download MNIST"):
        load_digits("mnist")
    (raw / NAMES[3]).write_bytes(idx(arrays[NAMES[3]]))
    assert len(load_digits("mnist").test_labels) == TEST


DAMAGES = {
    "empty": (lambda data: b"", "bytes, got 0;"),
    "truncated": (lambda data: data[:-1], r"expected [\d,]+ bytes, got [\d,]+;"),
    "too long": (lambda data: data + b"\0", r"expected [\d,]+ bytes, got [\d,]+;"),
    "signed": (lambda data: data[:2] + b"\x09" + data[3:], "expected the magic number 0x0000080"),
    "overwritten": (lambda data: b"<htm" + data[4:], "got 0x3c68746d;"),
    "other axes": (lambda data: data[:4] + struct.pack(">I", 7) + data[8:], "values, got 7"),
}


@pytest.mark.parametrize("file", NAMES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_left_alone(small, arrays, tmp_path, file, damage):
    raw = put_files(tmp_path / "data" / "MNIST" / "raw", arrays)
    change, reason = DAMAGES[damage]
    damaged = change(idx(arrays[file]))
    (raw / file).write_bytes(damaged)
    with pytest.raises(ValueError, match=reason) as told:
        load_digits("mnist")
    assert str(told.value).startswith(f"{raw / file}: expected ")
    with pytest.raises(RunFailed, match=f"{file}: expected "):
        finish(DigitsEngine(DigitsConfig(dataset="mnist")))
    assert (raw / file).read_bytes() == damaged


def test_labels_beyond_the_classes_are_refused(small, arrays, tmp_path):
    arrays[NAMES[1]][5] = 10
    put_files(tmp_path / "data" / "MNIST" / "raw", arrays)
    with pytest.raises(ValueError, match=r"MNIST: expected 300 train images of classes 0 to 9, .* up to 10"):
        load_digits("mnist")


@pytest.mark.skipif(not REAL, reason="OPTGUI_DATA does not name a folder with MNIST's files")
def test_mnist_itself_is_read(monkeypatch):
    monkeypatch.setenv("OPTGUI_DATA", REAL)
    mnist = load_digits()
    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.test_images.shape == (10_000, 28, 28)
    assert mnist.test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert not any(getattr(mnist, field).flags.writeable for field in FIELDS)
    assert np.isclose(
        mnist.train_images.mean() / 255, 0.1307, atol=1e-4
    )  # the mean everybody normalizes with


# ---------------------------------------------------------------------------------- downloading


class Host(http.server.ThreadingHTTPServer):
    """Serves `files`; `cut` ones end after half their bytes, `silent` ones stop there without ending."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.silent, self.asked = {}, set(), set(), []
        self.states_length = True
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/mnist/"

    def handle_error(self, request, client_address):
        """A client that hangs up is what some tests are about."""

    def end(self):
        self.closing.set()
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.removeprefix("/mnist/")
        self.server.asked.append(name)
        if name not in self.server.files:
            self.send_error(404)
            return
        body = self.server.files[name]
        self.send_response(200)
        if self.server.states_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if name in self.server.cut | self.server.silent:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if name in self.server.silent:
                self.server.closing.wait()
            return
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hosts(small, arrays, monkeypatch):
    """Two mirrors of a small MNIST; tests break what they like about them."""
    made = [Host(), Host()]
    source = runtime.torchvision("datasets").MNIST
    archives = {f"{name}.gz": gzip.compress(idx(array), mtime=0) for name, array in arrays.items()}
    resources = [(f"{name}.gz", hashlib.md5(archives[f"{name}.gz"]).hexdigest()) for name in NAMES]
    monkeypatch.setattr(source, "mirrors", [host.url for host in made])
    monkeypatch.setattr(source, "resources", resources)
    for host in made:
        host.files = dict(archives)
    yield made
    for host in made:
        host.end()


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "data" / "MNIST" / "raw"


def finish(engine):
    records = []
    while not engine.done:
        records.append(engine.step())
    return records


def mnist_engine():
    return DigitsEngine(DigitsConfig(dataset="mnist"))


@pytest.mark.parametrize("states_length", [True, False])
def test_a_download_arrives_whole_and_its_progress_only_grows(hosts, arrays, raw, states_length):
    hosts[0].states_length = states_length
    engine = mnist_engine()
    assert not is_ready("mnist")
    records = finish(engine)
    for field, file in zip(FIELDS, NAMES, strict=True):
        np.testing.assert_array_equal(getattr(engine.answer("digits"), field), arrays[file])
    assert sorted(path.name for path in raw.iterdir()) == sorted(NAMES)
    assert len(records) > 8
    for kind in ("step", "fraction", "done"):
        values = [getattr(record, kind) for record in records]
        assert values == sorted(values)
    assert 0 <= records[0].fraction < 0.5
    assert all(record.done <= record.total for record in records)
    assert records[-1].fraction == 1
    assert records[-1].done == records[-1].total == sum(map(len, hosts[0].files.values()))
    frame = engine.frame()
    assert (frame.ready, frame.unit, frame.text) == (True, "bytes", "MNIST: ready")
    assert load_digits("mnist") is engine.answer("digits")


def test_a_download_says_which_file_it_is_at(hosts):
    engine, texts = mnist_engine(), []
    while not engine.done:
        engine.step()
        texts.append(engine.frame().text)
    for name in NAMES:
        assert f"Downloading {name}.gz from 127.0.0.1" in texts


def test_nothing_is_written_to_optgui_data(hosts, raw, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("OPTGUI_DATA", str(tmp_path / "mine"))
    engine = mnist_engine()
    finish(engine)
    assert list((tmp_path / "mine").iterdir()) == []
    assert engine.answer("digits").source == str(tmp_path / "data")


def test_data_that_is_there_is_not_asked_for_again(hosts, arrays, raw):
    put_files(raw, arrays)
    engine = mnist_engine()
    finish(engine)
    assert hosts[0].asked == hosts[1].asked == []
    assert engine.frame().ready


def damage_first(hosts, name, kind):
    """Make the first mirror fail at `name`.gz in the given way; returns the words that tell it."""
    files, file = hosts[0].files, f"{name}.gz"
    if kind == "missing":
        del files[file]
        return "127.0.0.1: 404"
    if kind == "cut":
        hosts[0].cut.add(file)
        return f"the connection was cut after [0-9,]+ of [0-9,]+ bytes of {file}"
    if kind == "another file":
        files[file] = gzip.compress(gzip.decompress(files[file])[:-1] + b"\x2a", mtime=0)
        return f"{file} has a wrong checksum"
    if kind == "a login page":
        files[file] = b"<html>Welcome to the hotel</html>"
        return "something other than a gzip file"
    if kind == "too much inside":
        files[file] = gzip.compress(bytes(10_000_000))
        return f"sends more than belongs into {file}"
    if kind == "too long":
        files[file] = files[file] + bytes(1_000_000)
        return "sends more than was asked for"
    assert kind == "empty"
    files[file] = b""
    return f"{file} has a wrong checksum"


FAILURES = ["missing", "cut", "another file", "a login page", "too much inside", "too long", "empty"]


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("name", [NAMES[0], NAMES[3]])
def test_the_second_mirror_is_asked_when_the_first_fails(hosts, arrays, raw, name, kind):
    damage_first(hosts, name, kind)
    engine = mnist_engine()
    records = finish(engine)
    np.testing.assert_array_equal(engine.answer("digits").train_images, arrays[NAMES[0]])
    np.testing.assert_array_equal(engine.answer("digits").test_labels, arrays[NAMES[3]])
    assert f"{name}.gz" in hosts[1].asked
    assert [record.fraction for record in records] == sorted(record.fraction for record in records)
    assert [record.done for record in records] == sorted(record.done for record in records)
    assert sorted(path.name for path in raw.iterdir()) == sorted(NAMES)


def test_a_mirror_that_failed_is_not_asked_first_for_the_next_file(hosts):
    damage_first(hosts, NAMES[0], "missing")
    finish(mnist_engine())
    assert hosts[0].asked == [f"{NAMES[0]}.gz"]
    assert hosts[1].asked == [f"{name}.gz" for name in NAMES]


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("name", NAMES)
def test_what_fails_everywhere_is_told_and_never_counts_as_data(hosts, raw, name, kind):
    words = damage_first(hosts, name, kind)
    hosts[1].files, hosts[1].cut = hosts[0].files, hosts[0].cut
    engine = mnist_engine()
    with pytest.raises(RunFailed, match=words) as told:
        finish(engine)
    assert str(told.value).startswith("MNIST could not be downloaded: 127.0.0.1: ")
    assert not is_ready("mnist")
    assert sorted(path.name for path in raw.iterdir()) == sorted(NAMES[: NAMES.index(name)])
    assert not engine.done
    with pytest.raises(ValueError, match="expected a finished run, got one at"):
        engine.answer("digits")


def test_a_failed_download_goes_on_with_the_next_step_and_keeps_whole_files(hosts, arrays):
    body = hosts[0].files[f"{NAMES[2]}.gz"]
    damage_first(hosts, NAMES[2], "missing")
    hosts[1].files = hosts[0].files
    engine = mnist_engine()
    with pytest.raises(RunFailed, match="404"):
        finish(engine)
    hosts[0].files[f"{NAMES[2]}.gz"] = body
    hosts[0].asked.clear()
    finish(engine)
    assert hosts[0].asked == [f"{name}.gz" for name in NAMES[2:]]
    np.testing.assert_array_equal(engine.answer("digits").train_images, arrays[NAMES[0]])


def test_without_a_network_the_sentence_says_what_to_do(small, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    source = runtime.torchvision("datasets").KMNIST
    monkeypatch.setattr(source, "mirrors", [f"http://127.0.0.1:{port}/"])
    with pytest.raises(RunFailed, match=r"^Kuzushiji-MNIST could not be downloaded: 127\.0\.0\.1: ") as told:
        finish(DigitsEngine(DigitsConfig(dataset="kmnist")))
    assert os.strerror(errno.ECONNREFUSED) in str(told.value)
    assert "use the built-in digits" in str(told.value)
    assert str(tmp_path / "data" / "KMNIST" / "raw") in str(told.value)


@pytest.mark.parametrize("way", ["close", "drop"])
@pytest.mark.parametrize("at", [0, 2])
def test_a_cancelled_download_never_counts_as_data(hosts, raw, at, way):
    for host in hosts:
        host.silent.add(f"{NAMES[at]}.gz")
    engine = mnist_engine()
    lengths = [len(hosts[0].files[f"{name}.gz"]) for name in NAMES]
    come = sum(lengths[:at]) + lengths[at] // 2
    while engine.frame().done < come:
        engine.step()
    assert [path.name.startswith(NAMES[at]) for path in raw.glob("*.part")] == [True]
    after = engine.step()  # a silent host holds no step back
    assert after.done == come
    assert 0 < after.fraction < 1
    if way == "close":
        engine.close()
        assert not engine.done
    del engine
    assert sorted(path.name for path in raw.iterdir()) == sorted(NAMES[:at])
    assert not is_ready("mnist")
    with pytest.raises(ValueError, match="dataset: expected the four MNIST files"):
        load_digits("mnist")


def test_a_closed_download_can_be_taken_up_again(hosts, arrays):
    hosts[0].silent.add(f"{NAMES[0]}.gz")
    engine = mnist_engine()
    while engine.frame().done == 0:
        engine.step()
    engine.close()
    hosts[0].silent.clear()
    finish(engine)
    np.testing.assert_array_equal(engine.answer("digits").train_images, arrays[NAMES[0]])


def test_parts_of_a_program_that_was_killed_are_swept_away(hosts, raw):
    raw.mkdir(parents=True)
    old, new = raw / f"{NAMES[0]}.0000.part", raw / f"{NAMES[0]}.1111.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    finish(mnist_engine())
    assert not old.exists()
    assert new.exists()  # of another window, perhaps


def test_a_full_disk_fails_the_run_and_names_the_folder(hosts, raw, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(download.os, "replace", full)
    with pytest.raises(RunFailed, match=os.strerror(errno.ENOSPC)) as told:
        finish(mnist_engine())
    assert str(told.value).startswith(f"MNIST could not be saved in {raw}: ")
    assert list(raw.iterdir()) == []
    assert not is_ready("mnist")


def test_a_folder_that_cannot_be_made_fails_the_run(hosts, raw, tmp_path):
    (tmp_path / "data").write_bytes(b"a file where the folder should be")
    with pytest.raises(RunFailed, match="MNIST could not be saved in ") as told:
        finish(mnist_engine())
    assert str(raw) in str(told.value)


def test_a_read_only_folder_fails_the_run(hosts, raw, monkeypatch):
    def refuse(self, mode="r", **kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    raw.mkdir(parents=True)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RunFailed, match=os.strerror(errno.EACCES)):
        finish(mnist_engine())
    assert not is_ready("mnist")


def test_a_download_refuses_edits_and_other_requests(hosts):
    engine = mnist_engine()
    with pytest.raises(ValueError, match="dataset: expected mnist until this run ends, got builtin"):
        engine.apply(DigitsConfig(dataset="builtin"))
    with pytest.raises(ValueError, match="request: expected 'digits', got 'snapshot'"):
        engine.answer("snapshot")


# ------------------------------------------------------------------------------ built-in digits


@pytest.fixture
def drawn(small, monkeypatch):
    """A small generator in place of the real one; the list grows by one each time it starts."""
    starts = []

    def generate(seed=0, train=60_000, test=10_000):
        starts.append(seed)
        rng = np.random.default_rng(seed)
        for step in range(1, 21):
            yield step / 20
        images = rng.integers(0, 256, (train + test, 28, 28), dtype=np.uint8)
        labels = rng.integers(0, 10, train + test, dtype=np.uint8)
        images.flags.writeable = labels.flags.writeable = False
        return strokes.Strokes(images[:train], labels[:train], images[train:], labels[train:])

    monkeypatch.setattr(strokes, "generate", generate)
    return starts


def restart():
    digits._memory.clear()


def same(one, other):
    return all(np.array_equal(getattr(one, field), getattr(other, field)) for field in FIELDS)


def test_built_in_digits_are_those_of_the_generator_and_leave_torchs_generator_alone(small):
    state = torch.get_rng_state()
    loaded = load_digits("builtin")
    assert torch.equal(torch.get_rng_state(), state)

    def generated():
        made.append((yield from strokes.generate(seed=0, train=TRAIN, test=TEST)))

    made = []
    assert max(generated()) == 1
    assert same(loaded, made[0])
    assert loaded.source == "built in"
    assert loaded.note == ""
    assert loaded.train_labels.dtype == np.int64
    assert not any(getattr(loaded, field).flags.writeable for field in FIELDS)


def test_built_in_digits_are_drawn_once_and_then_read(drawn):
    assert not is_ready("builtin")
    first = load_digits("builtin")
    assert load_digits("builtin") is first
    restart()
    assert is_ready("builtin")
    second = load_digits("builtin")
    assert second is not first
    assert same(second, first)
    assert second.train_labels.dtype == np.int64
    assert not any(getattr(second, field).flags.writeable for field in FIELDS)
    assert drawn == [0]
    assert list(strokes_cache.cache_file().parent.iterdir()) == [strokes_cache.cache_file()]


def test_another_version_of_the_generator_draws_anew(drawn, monkeypatch):
    load_digits("builtin")
    restart()
    monkeypatch.setattr(strokes, "VERSION", 99, raising=False)
    assert not is_ready("builtin")
    load_digits("builtin")
    assert drawn == [0, 0]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: b"PK" + data[2:],
        lambda data: data[:-1000] + bytes([data[-1000] ^ 1]) + data[-999:],
        lambda data: data.replace(b"test_labels", b"rest_labels"),
        lambda data: data.replace(b"crc32", b"crc64"),
    ],
    ids=["empty", "short", "half", "another format", "one bit", "another name", "no checksum"],
)
def test_a_damaged_cache_is_drawn_anew_and_repaired(drawn, change):
    first = load_digits("builtin")
    file = strokes_cache.cache_file()
    whole = file.read_bytes()
    damaged = change(whole)
    assert damaged != whole
    file.write_bytes(damaged)
    restart()
    assert same(load_digits("builtin"), first)
    assert drawn == [0, 0]
    assert file.read_bytes() == whole


def test_a_cache_of_other_sizes_is_drawn_anew(drawn, monkeypatch):
    load_digits("builtin")
    restart()
    monkeypatch.setitem(
        DATASETS._entries, "builtin", dataclasses.replace(DATASETS["builtin"], train_count=40)
    )
    assert len(load_digits("builtin").train_labels) == 40


@pytest.mark.parametrize("trouble", ["full", "no folder"])
def test_digits_that_cannot_be_kept_are_used_all_the_same(drawn, tmp_path, monkeypatch, trouble):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if trouble == "full":
        monkeypatch.setattr(strokes_cache.os, "replace", full)
    else:
        (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    engine = DigitsEngine(DigitsConfig(dataset="builtin"))
    finish(engine)
    loaded = engine.answer("digits")
    assert len(loaded.train_labels) == TRAIN
    assert loaded.note.startswith(f"The built-in digits could not be kept in {tmp_path / 'cache'}")
    assert engine.frame().note == loaded.note
    assert load_digits("builtin") is loaded
    if trouble == "full":
        assert list((tmp_path / "cache").iterdir()) == []


def test_generating_shows_its_progress_in_images(drawn):
    engine = DigitsEngine(DigitsConfig(dataset="builtin"))
    records = finish(engine)
    assert engine.frame().unit == "images"
    assert records[-1].done == records[-1].total == TRAIN + TEST
    assert [record.done for record in records] == sorted(record.done for record in records)
    assert len({record.fraction for record in records}) == 21
    assert engine.answer("digits") is load_digits("builtin")


def test_preparing_works_inside_another_generator(drawn):
    def other():
        loaded = yield from prepare("builtin")
        assert loaded.name == "builtin"
        yield 2.0

    fractions = list(other())
    assert fractions[-1] == 2.0
    assert fractions[:-1] == sorted(fractions[:-1])
    assert all(0 <= fraction <= 1 for fraction in fractions[:-1])


def test_a_generation_dropped_half_way_goes_on_where_it_was(drawn):
    half = prepare("builtin")
    while next(half) < 0.5:
        pass
    half.close()
    assert not is_ready("builtin")
    rest = prepare("builtin")
    assert next(rest) > 0.5
    rest.close()
    assert len(load_digits("builtin").train_labels) == TRAIN
    assert drawn == [0]


def test_threads_that_want_the_same_digits_share_the_work(drawn):
    together, results = threading.Barrier(4), []

    def load():
        together.wait()
        results.append(load_digits("builtin"))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(result is results[0] for result in results)
    assert drawn == [0]


class WatchedLock:
    """A lock that tells each time somebody wants it."""

    def __init__(self):
        self.wanted, self.lock = threading.Semaphore(0), threading.Lock()

    def __enter__(self):
        self.wanted.release()
        self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()


def test_a_thread_that_waits_during_the_last_step_gets_its_result(drawn):
    results, lock = [], WatchedLock()
    other = threading.Thread(target=lambda: results.append(load_digits("builtin")))
    whole = load_digits("builtin")
    digits._memory.clear()

    def ends_while_another_waits():
        lock.wanted.acquire()
        other.start()
        lock.wanted.acquire()
        return whole
        yield

    job = digits._Job(ends_while_another_waits())
    job.lock = lock
    digits._jobs["builtin"] = job
    assert load_digits("builtin") is whole
    other.join()
    assert results == [whole]


def test_a_generation_that_failed_can_be_tried_again(drawn, monkeypatch):
    working = strokes.generate

    def failing(seed=0, train=0, test=0):
        yield 0.5
        raise MemoryError

    monkeypatch.setattr(strokes, "generate", failing)
    with pytest.raises(MemoryError):
        load_digits("builtin")
    monkeypatch.setattr(strokes, "generate", working)
    assert len(load_digits("builtin").train_labels) == TRAIN
