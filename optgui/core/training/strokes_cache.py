"""The built-in digits, kept on disk between starts: drawing them takes seconds, reading them does not."""

from __future__ import annotations

import os
import zlib
from collections.abc import Generator
from pathlib import Path

import numpy as np
import platformdirs

from optgui.core.training import strokes
from optgui.core.training.strokes import SIDE, Strokes

SEED = 0
BLOCK = 1 << 23  # bytes written in a step


def cache_file() -> Path:
    """Where the digits are kept; a generator that draws others has another `strokes.VERSION`."""
    folder = Path(platformdirs.user_cache_dir("optgui", appauthor=False))
    return folder / f"strokes-{strokes.VERSION}-seed{SEED}.safetensors"


def read_or_draw(train: int, test: int) -> Generator[float, None, tuple[Strokes, str]]:
    """Read the digits, or draw and keep them; yields the fraction done.

    Returns the digits and a sentence for a person, empty unless they could not be kept. A damaged file is
    drawn anew.
    """
    yield 0.0
    kept = _read(train, test)
    if kept is not None:
        return kept, ""
    drawn = yield from strokes.generate(seed=SEED, train=train, test=test)
    note = yield from _keep(drawn)
    return drawn, note


def _read(train: int, test: int) -> Strokes | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(cache_file().read_bytes())
        checksum = arrays.pop("crc32")
        kept = Strokes(**arrays)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    shapes = ((train, SIDE, SIDE), (train,), (test, SIDE, SIDE), (test,))
    if any(array.dtype != np.uint8 for array in kept) or tuple(array.shape for array in kept) != shapes:
        return None
    return kept if checksum.tolist() == [_crc32(kept)] else None


def _keep(drawn: Strokes) -> Generator[float, None, str]:
    from safetensors.numpy import save

    path = cache_file()
    part = path.with_suffix(".part")
    arrays = {field: np.ascontiguousarray(array) for field, array in drawn._asdict().items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            data = memoryview(save({**arrays, "crc32": np.array([_crc32(drawn)], np.uint32)}))
            with part.open("wb") as out:
                for begin in range(0, len(data), BLOCK):
                    yield 1.0
                    out.write(data[begin : begin + BLOCK])
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        return (
            f"The built-in digits could not be kept in {path.parent} ({error.strerror or error}); "
            "each start draws them again."
        )
    return ""


def _crc32(digits: Strokes) -> int:
    checksum = 0
    for array in digits:
        checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
    return checksum
