"""DATASETS: which data sets there are, where their files lie and how they are read."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from optgui.core import runtime
from optgui.core.params import Config
from optgui.core.registry import Entry, Registry
from optgui.core.snapshot import frozen
from optgui.core.training.idx import check_idx

SIDE = 28
TEN = tuple("0123456789")


@dataclasses.dataclass(frozen=True)
class DatasetEntry(Entry):
    """A data set: its class in torchvision.datasets (empty: drawn here), class names and sizes."""

    torchvision: str = ""
    class_names: tuple[str, ...] = TEN
    train_count: int = 60_000
    test_count: int = 10_000
    download_bytes: int = 0  # of the four .gz files together, about


DATASETS: Registry[DatasetEntry] = Registry(
    DatasetEntry(
        "mnist",
        "MNIST",
        Config,
        help="Handwritten digits, 0 to 9.",
        reference="LeCun et al., Gradient-based learning applied to document recognition, 1998",
        torchvision="MNIST",
        download_bytes=11_594_722,
    ),
    DatasetEntry(
        "fashion-mnist",
        "Fashion-MNIST",
        Config,
        help="Pictures of clothes; harder than digits, in the same format.",
        reference="Xiao, Rasul, Vollgraf, Fashion-MNIST, arXiv:1708.07747, 2017",
        torchvision="FashionMNIST",
        class_names=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        download_bytes=30_878_645,
    ),
    DatasetEntry(
        "kmnist",
        "Kuzushiji-MNIST",
        Config,
        help="Cursive Japanese characters; harder than digits, in the same format.",
        reference="Clanuwat et al., Deep learning for classical Japanese literature, arXiv:1812.01718, 2018",
        torchvision="KMNIST",
        class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        download_bytes=21_240_888,
    ),
    DatasetEntry(
        "builtin",
        "Built-in digits",
        Config,
        help="Digits drawn by the program itself; needs no download.",
    ),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Digits:
    """A data set in memory: images (n, 28, 28) of 0..255, uint8; labels (n,), int64; all arrays read-only.

    `source` is the folder it was read from, or `built in`; `note` is a sentence for a person or empty.
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    source: str
    class_names: tuple[str, ...]
    note: str = ""


def entry_of(name: str) -> DatasetEntry:
    """The entry called `name`.

    Raises:
        ValueError: if there is none.
    """
    if name not in DATASETS:
        raise ValueError(f"dataset: expected one of {', '.join(DATASETS)}, got {name!r}")
    return DATASETS[name]


def files_of(entry: DatasetEntry) -> dict[str, tuple[int, ...]]:
    """The four files of a data set below a root, and the shape in each; none if it is drawn here."""
    if not entry.torchvision:
        return {}
    raw = f"{entry.torchvision}/raw"
    return {
        f"{raw}/train-images-idx3-ubyte": (entry.train_count, SIDE, SIDE),
        f"{raw}/train-labels-idx1-ubyte": (entry.train_count,),
        f"{raw}/t10k-images-idx3-ubyte": (entry.test_count, SIDE, SIDE),
        f"{raw}/t10k-labels-idx1-ubyte": (entry.test_count,),
    }


def user_folder() -> Path:
    """Where downloads go; nothing is ever written to `$OPTGUI_DATA`."""
    return Path(platformdirs.user_data_dir("optgui", appauthor=False))


def data_roots() -> list[Path]:
    """The folders to look for data sets in: `$OPTGUI_DATA` first, if it is set, then the user's own.

    Raises:
        ValueError: if `$OPTGUI_DATA` is set to anything but a folder.
    """
    own = os.environ.get("OPTGUI_DATA", "")
    if not own:
        return [user_folder()]
    if not os.path.isdir(os.path.expanduser(own)):
        raise ValueError(f"OPTGUI_DATA: expected an existing folder, got {own}")
    return [Path(own).expanduser(), user_folder()]


def find(name: str) -> Path | None:
    """The first folder of `data_roots` that holds all four files of a data set, whole or damaged; else None.

    Raises:
        ValueError: if there is no such data set, or from `data_roots`.
    """
    paths = files_of(entry_of(name))
    roots = data_roots() if paths else []
    return next((root for root in roots if all(os.path.isfile(root / path) for path in paths)), None)


def read_files(entry: DatasetEntry) -> Generator[float, None, Digits]:
    """Read a data set of torchvision's layout; yields the fraction done.

    Raises:
        ValueError: if its files are missing or damaged, with their folders or the name of the file.
    """
    shapes = files_of(entry)
    root = find(entry.name)
    if root is None:
        roots = data_roots()
        present = max(sum(os.path.isfile(folder / path) for path in shapes) for folder in roots)
        folders = " or ".join(str((folder / next(iter(shapes))).parent) for folder in roots)
        raise ValueError(
            f"dataset: expected the four {entry.label} files in {folders}, got {present or 'none'}; "
            f"use the built-in digits or download {entry.label}"
        )
    for path, shape in shapes.items():
        check_idx(root / path, shape)
    source = getattr(runtime.torchvision("datasets"), entry.torchvision)
    yield 0.0
    test_images, test_labels = _read(source, root, entry, train=False)
    yield 0.2
    train_images, train_labels = _read(source, root, entry, train=True)
    return Digits(
        entry.name, train_images, train_labels, test_images, test_labels, str(root), entry.class_names
    )


def _read(
    source: Any, root: Path, entry: DatasetEntry, *, train: bool
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    read = source(root, train=train, download=False)
    images, labels = frozen(read.data.numpy()), frozen(read.targets.numpy().astype(np.int64))
    count = entry.train_count if train else entry.test_count
    classes = len(entry.class_names)
    if images.shape != (count, SIDE, SIDE) or labels.shape != (count,) or not np.all(labels < classes):
        part = "train" if train else "test"
        raise ValueError(
            f"{root / entry.torchvision}: expected {count:,} {part} images of classes 0 to {classes - 1}, "
            f"got {len(images):,} with labels up to {labels.max()}; delete the folder, then download again"
        )
    return images, labels
