"""Fetching the gzipped files of a data set, bit by bit: whole and verified, or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple

from optgui.core import runtime
from optgui.core.engine import RunFailed
from optgui.core.training.datasets import DatasetEntry, files_of
from optgui.core.training.idx import check_idx, idx_bytes

CHUNK = 1 << 16
TIMEOUT_S = 10.0  # of the connection and of every read, in the reader's thread
WAIT_S = 0.04  # the longest that a step waits for bytes, so that stop and pause answer at once
SLACK = 1 << 16  # gzip adds a few bytes to what it cannot compress; more than this means another file
STALE_S = 3600.0  # a partial file untouched for this long belongs to a program that was killed


class RemoteFile(NamedTuple):
    """One file: its name without `.gz`, the md5 of the `.gz`, the shape inside, about how long it is."""

    name: str
    md5: str
    shape: tuple[int, ...]
    about_bytes: int


class Received(NamedTuple):
    """How far the download is: `done` of `total` bytes on the wire, `fraction` of the data, what it does.

    `total` becomes exact file by file, as the servers state their lengths. `fraction` and `done` never go
    back, also when a mirror fails in the middle of a file and the next one starts it anew.
    """

    fraction: float
    done: int
    total: int
    text: str


class _Unavailable(Exception):
    """Why one mirror did not give the file."""


def download(entry: DatasetEntry, root: Path) -> Generator[Received, None, None]:
    """Fetch what `root` lacks of a data set of torchvision's, at most about 40 ms a step; drop it to cancel.

    A file is unpacked while it arrives, into a name that ends in `.part`. It takes its final name when its
    checksum and its size are right, and never replaces a file that is there.

    Raises:
        RunFailed: if no mirror gives a file, the folder takes none, or a file there is damaged; one sentence.
    """
    folder = root / entry.torchvision / "raw"
    mirrors, files = _remote(entry)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        missing = [file for file in files if not _there(folder / file.name, file.shape)]
        yield from _fetch_all(entry.label, mirrors, missing, folder)
    except OSError as error:
        raise RunFailed(
            f"{entry.label} could not be saved in {folder}: {error.strerror or error}. "
            "Make room there or let the folder be written to, then try again; or use the built-in digits."
        ) from error


def _remote(entry: DatasetEntry) -> tuple[list[str], list[RemoteFile]]:
    """The mirrors and files that torchvision knows; sizes on the wire are guessed from the sizes unpacked."""
    shapes = {path.rpartition("/")[2]: shape for path, shape in files_of(entry).items()}
    whole = sum(map(idx_bytes, shapes.values()))
    source = getattr(runtime.torchvision("datasets"), entry.torchvision)
    files = []
    for archive, md5 in source.resources:
        name = archive.removesuffix(".gz")
        about = round(entry.download_bytes * idx_bytes(shapes[name]) / whole)
        files.append(RemoteFile(name, md5, shapes[name], about))
    return list(source.mirrors), files


def _fetch_all(
    label: str, mirrors: list[str], files: Sequence[RemoteFile], folder: Path
) -> Generator[Received, None, None]:
    sizes = {file.name: file.about_bytes for file in files}
    whole = sum(idx_bytes(file.shape) for file in files)
    behind = unpacked_behind = best = received = 0
    fraction = 0.0
    for file in files:
        failures = []
        for mirror in list(mirrors):
            host = urllib.parse.urlsplit(mirror).hostname or mirror
            try:
                for received, unpacked, length in _fetch(f"{mirror}{file.name}.gz", file, folder):
                    sizes[file.name] = length or max(sizes[file.name], received)
                    best = max(best, behind + received)
                    fraction = max(fraction, (unpacked_behind + unpacked) / whole)
                    total = max(best, sum(sizes.values()))
                    yield Received(fraction, best, total, f"Downloading {file.name}.gz from {host}")
            except _Unavailable as error:
                failures.append(f"{host}: {error}")
                continue
            mirrors.remove(mirror)
            mirrors.insert(0, mirror)  # the one that works is asked first for the next file
            break
        else:
            raise RunFailed(
                f"{label} could not be downloaded: {'; '.join(failures)}. Check the connection and try "
                f"again, use the built-in digits, or put the four unpacked files into {folder}."
            )
        sizes[file.name] = received
        behind += received
        unpacked_behind += idx_bytes(file.shape)
        fraction = unpacked_behind / whole
        yield Received(fraction, best, max(best, sum(sizes.values())), f"{file.name} is complete")


def _fetch(url: str, file: RemoteFile, folder: Path) -> Generator[tuple[int, int, int], None, None]:
    """Fetch one file from one place; yields bytes received, bytes unpacked and the length (0: unknown).

    A thread reads the network: a name server or a silent host would hold a step for its whole timeout.
    """
    part = folder / f"{file.name}.{uuid.uuid4().hex[:8]}.part"
    raw = idx_bytes(file.shape)
    inbox: queue.SimpleQueue[bytes | int | Exception] = queue.SimpleQueue()
    dropped = threading.Event()
    reader = threading.Thread(
        target=_read, args=(url, raw + SLACK, inbox, dropped), name="download", daemon=True
    )
    digest = hashlib.md5(usedforsecurity=False)
    inflate = zlib.decompressobj(wbits=31)
    received = unpacked = length = 0
    try:
        with part.open("xb") as out:
            reader.start()
            while item := _next(inbox):
                if isinstance(item, Exception):
                    raise _Unavailable(_reason(item))
                if isinstance(item, int):
                    length = max(0, item)
                elif isinstance(item, bytes):
                    received += len(item)
                    digest.update(item)
                    unpacked += out.write(_inflate(inflate, item, raw - unpacked + 1))
                    if unpacked > raw:
                        raise _Unavailable(f"sends more than belongs into {file.name}.gz")
                yield received, unpacked, length
        if received < length:
            raise _Unavailable(
                f"the connection was cut after {received:,} of {length:,} bytes of {file.name}.gz"
            )
        if digest.hexdigest() != file.md5:
            raise _Unavailable(
                f"{file.name}.gz has a wrong checksum (expected {file.md5}, got {digest.hexdigest()})"
            )
        try:
            check_idx(part, file.shape)
        except ValueError as error:
            raise _Unavailable(str(error).removeprefix(f"{part}: ")) from None
        os.replace(part, folder / file.name)
    finally:
        dropped.set()
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


class _Nothing:
    """Nothing has arrived yet."""


def _next(inbox: queue.SimpleQueue[bytes | int | Exception]) -> bytes | int | Exception | _Nothing:
    try:
        return inbox.get(timeout=WAIT_S)
    except queue.Empty:
        return _Nothing()


def _read(
    url: str, most: int, inbox: queue.SimpleQueue[bytes | int | Exception], dropped: threading.Event
) -> None:
    """Put the stated length (-1: none), the chunks and an empty one into `inbox`, or what went wrong."""
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "optgui"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            inbox.put(int(response.headers.get("Content-Length") or 0) or -1)
            while not dropped.is_set() and (chunk := response.read1(CHUNK)):
                most -= len(chunk)
                if most < 0:
                    raise ValueError("sends more than was asked for")
                inbox.put(chunk)
        inbox.put(b"")
    except urllib.error.HTTPError as error:
        error.close()
        inbox.put(error)
    except Exception as error:  # a server may answer anything; the reason travels to whoever waits
        inbox.put(error)


def _inflate(inflate: zlib._Decompress, chunk: bytes, most: int) -> bytes:
    if inflate.eof:
        return b""  # whatever follows the archive is the checksum's business
    try:
        return inflate.decompress(chunk, most)
    except zlib.error:
        raise _Unavailable("answers with something other than a gzip file") from None


def _reason(error: BaseException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        return _reason(error.reason)
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _there(path: Path, shape: tuple[int, ...]) -> bool:
    """Whether a whole file is at `path`; a damaged one is a person's to delete."""
    if not os.path.lexists(path):
        return False
    try:
        check_idx(path, shape)
    except ValueError as error:
        raise RunFailed(str(error)) from None
    return True


def _sweep(folder: Path) -> None:
    for part in folder.glob("*-ubyte.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE_S:
                part.unlink()
