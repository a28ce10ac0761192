"""The IDX format of MNIST's files, as far as telling a whole file from a damaged one.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998. A file is two zero
bytes, the type of its elements (8: unsigned byte), the number of axes, each axis as a big-endian uint32,
then the elements.
"""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path

UNSIGNED_BYTE = 0x08


def idx_bytes(shape: tuple[int, ...]) -> int:
    """Bytes of an IDX file of unsigned bytes, header included."""
    return 4 + 4 * len(shape) + math.prod(shape)


def check_idx(path: Path, shape: tuple[int, ...]) -> None:
    """Check the size and the header of the IDX file at `path`; the file is left as it is.

    Raises:
        ValueError: if it is anything but unsigned bytes of `shape`; the sentence names the file.
    """
    try:
        size = os.stat(path).st_size
        with path.open("rb") as file:
            header = file.read(4 + 4 * len(shape))
    except OSError as error:
        raise ValueError(f"{path}: expected a readable file, got: {error.strerror or error}") from None
    advice = "the file is damaged or incomplete; delete it, then download it again"
    if size != idx_bytes(shape):
        raise ValueError(f"{path}: expected {idx_bytes(shape):,} bytes, got {size:,}; {advice}")
    magic, *axes = struct.unpack(f">{1 + len(shape)}I", header)
    expected = UNSIGNED_BYTE << 8 | len(shape)
    if magic != expected:
        raise ValueError(f"{path}: expected the magic number 0x{expected:08x}, got 0x{magic:08x}; {advice}")
    if tuple(axes) != shape:
        raise ValueError(f"{path}: expected {_times(shape)} values, got {_times(axes)}; {advice}")


def _times(axes: tuple[int, ...] | list[int]) -> str:
    return " x ".join(map(str, axes))
