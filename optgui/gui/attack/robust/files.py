"""Robust curves as files: all points as CSV, the plot as PNG or SVG."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QRectF
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from optgui.core.attack.robust import RobustFrame
from optgui.gui.attack.robust.plot import RobustPlot

FIELDS = ("network", "norm", "epsilon", "robust", "low", "high", "noise", "digits")
SHARP = 2  # pixels of the file for one on the screen


def csv_bytes(frame: RobustFrame) -> bytes:
    """Every point of every curve, a row each; shares from 0 to 1, the noise empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for curve in frame.curves:
        for place, epsilon in enumerate(curve.epsilons.tolist()):
            shares = [float(part[place]) for part in (curve.robust, curve.low, curve.high)]
            noise = "" if curve.noise is None else float(curve.noise[place])
            writer.writerow([curve.network_id, curve.norm, epsilon, *shares, noise, frame.digits])
    return text.getvalue().encode()


def png_bytes(plot: RobustPlot) -> bytes:
    """The plot as it is on the screen, without cursor and mark."""
    image = QImage(plot.size() * SHARP, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(SHARP)
    painter = QPainter(image)
    plot.paint(painter, QRectF(plot.rect()))
    painter.end()
    buffer = _open_buffer()
    QImageWriter(buffer, QByteArray(b"PNG")).write(image)
    return bytes(buffer.data().data())


def svg_bytes(plot: RobustPlot) -> bytes:
    """The plot as a drawing, without cursor and mark."""
    buffer = _open_buffer()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setTitle(plot.accessibleName())
    generator.setDescription(plot.summary())
    generator.setSize(plot.size())
    generator.setResolution(plot.logicalDpiX())
    generator.setViewBox(QRect(plot.rect()))
    painter = QPainter(generator)
    plot.paint(painter, QRectF(plot.rect()))
    painter.end()
    return bytes(buffer.data().data())


def write(path: str, data: bytes) -> str:
    """Write a file; why it could not be written, or an empty string."""
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        return f"{Path(path).name}: expected a file that can be written, got: {error.strerror or error}"
    return ""


def _open_buffer() -> QBuffer:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return buffer
