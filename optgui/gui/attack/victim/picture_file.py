"""Pictures from files: read by Qt, made into digits by the core."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QSize, Qt
from PySide6.QtGui import QImage, QImageIOHandler, QImageReader
from PySide6.QtWidgets import QFileDialog, QWidget

from optgui.core.attack.pictures import Opened, as_digit, check_size

ENOUGH = 1024  # pixels of the longer side: larger pictures are shrunk while they are read
TRANSPOSED = QImageIOHandler.Transformation.TransformationRotate90


def read_picture(path: str | Path) -> Opened:
    """The picture in a file, upright, as a digit.

    Raises:
        ValueError: a sentence that names the file, if it is not there or is no picture of a digit.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path.name} cannot be opened: expected a picture, got {_what(path)}.")
    reader = QImageReader(str(path))
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    size = reader.size()
    try:
        check_size(size.width(), size.height())
        if max(size.width(), size.height()) > ENOUGH:
            reader.setScaledSize(size.scaled(ENOUGH, ENOUGH, Qt.AspectRatioMode.KeepAspectRatio))
        image = reader.read()
        if image.isNull():
            raise ValueError(
                "expected a picture such as PNG or JPEG, got one that is damaged or of another kind"
            )
        if reader.transformation() & TRANSPOSED:
            size = size.transposed()
        return digit_of(image, size if size.isValid() else image.size())
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be used: {error}.") from None


def digit_of(image: QImage, size: QSize | None = None) -> Opened:
    """An image as a digit; `size` is the one it had before it was shrunk.

    Raises:
        ValueError: as `as_digit`.
    """
    size = size if size is not None else image.size()
    return as_digit(_pixels(image), (size.width(), size.height()))


def holds_picture(mime: QMimeData) -> bool:
    """Whether what is dragged may be a picture."""
    return mime.hasImage() or any(url.isLocalFile() for url in mime.urls())


def dropped_picture(mime: QMimeData) -> tuple[Opened, str]:
    """What was dropped as a digit, and the name of its file.

    Raises:
        ValueError: as `read_picture`.
    """
    for url in mime.urls():
        if url.isLocalFile():
            return read_picture(url.toLocalFile()), url.fileName()
    image = mime.imageData()
    if not isinstance(image, QImage) or image.isNull():
        raise ValueError("What was dropped cannot be used: expected a picture or the file of one.")
    try:
        return digit_of(image), "dropped picture"
    except ValueError as error:
        raise ValueError(f"The dropped picture cannot be used: {error}.") from None


def picture_dialog(parent: QWidget) -> QFileDialog:
    """A dialog that asks for a picture; `fileSelected` tells which. Nothing waits for it."""
    formats = " ".join(
        sorted(f"*.{bytes(kind.data()).decode()}" for kind in QImageReader.supportedImageFormats())
    )
    dialog = QFileDialog(parent, "Open a picture of a digit", "", f"Pictures ({formats});;All files (*)")
    dialog.setObjectName("attack.open.dialog")
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.finished.connect(dialog.deleteLater)
    return dialog


def _pixels(image: QImage) -> NDArray[np.uint8]:
    """(h, w, 4) of 0..255."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).copy()


def _what(path: Path) -> str:
    return "a folder" if path.is_dir() else "no such file"
