"""Pictures from files, and what is dropped."""

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QColor, QImage, QImageIOHandler, QImageWriter, QPainter, QPen, QTransform
from PySide6.QtWidgets import QWidget

from optgui.core.attack.pictures import centred
from optgui.gui.attack.victim.picture_file import dropped_picture, holds_picture, picture_dialog, read_picture


def seven(width=640, height=480, ink="black", paper="white", form=QImage.Format.Format_RGB32):
    image = QImage(width, height, form)
    image.fill(QColor(paper))
    painter = QPainter(image)
    painter.setPen(QPen(QColor(ink), height / 24))
    for line in ((0.3, 0.2, 0.6, 0.2), (0.6, 0.2, 0.45, 0.8)):
        x0, y0, x1, y1 = (part * (width, height)[k % 2] for k, part in enumerate(line))
        painter.drawLine(round(x0), round(y0), round(x1), round(y1))
    painter.end()
    return image


def saved(image, path):
    assert image.save(str(path))
    return path


@pytest.fixture(scope="module")
def wanted(qapp):
    image = seven(ink="white", paper="black").convertToFormat(QImage.Format.Format_Grayscale8)
    ink = np.frombuffer(image.constBits(), np.uint8).reshape(480, -1)[:, :640] / 255
    return centred(ink)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp", "ppm"])
def test_every_format_gives_the_same_digit(tmp_path, wanted, suffix):
    opened = read_picture(saved(seven(), tmp_path / f"seven.{suffix}"))
    assert np.abs(opened.image - wanted).max() < 0.1
    assert opened.note.startswith("640 × 480 in ")
    assert opened.note.endswith("inverted and centred")


def test_colour_transparency_and_a_wrong_suffix(tmp_path, wanted):
    blue = read_picture(saved(seven(ink="navy", paper="beige"), tmp_path / "blue.png"))
    assert blue.note == "640 × 480 in colour: made grey, inverted and centred"
    clear = seven(paper="transparent", form=QImage.Format.Format_ARGB32)
    assert "laid on white" in read_picture(saved(clear, tmp_path / "clear.png")).note
    path = saved(seven(), tmp_path / "seven.png").rename(tmp_path / "seven.jpg")
    for opened in (blue, read_picture(path)):
        assert np.abs(opened.image - wanted).max() < 0.1


def test_a_saved_digit_comes_back_bit_for_bit(tmp_path, qapp):
    pixels = np.random.default_rng(0).integers(0, 200, (28, 28), dtype=np.uint8)
    pixels[[0, -1]] = pixels[:, [0, -1]] = 0
    image = QImage(pixels.data, 28, 28, 28, QImage.Format.Format_Grayscale8)
    opened = read_picture(saved(image, tmp_path / "digit.png"))
    assert np.array_equal(opened.image, pixels.astype(np.float32) / 255)
    assert opened.note == "28 × 28 in grey: taken as it is"


def test_a_large_picture_is_shrunk_and_its_size_told(tmp_path, wanted):
    opened = read_picture(saved(seven(2560, 1920), tmp_path / "large.jpg"))
    assert opened.note == "2560 × 1920 in grey: inverted and centred"
    assert np.abs(opened.image - wanted).max() < 0.15


def test_a_photograph_is_turned_upright(tmp_path, wanted):
    path = tmp_path / "turned.jpg"
    writer = QImageWriter(str(path))
    turned = seven().transformed(QTransform().rotate(-90))
    writer.setTransformation(QImageIOHandler.Transformation.TransformationRotate90)
    assert writer.write(turned)
    opened = read_picture(path)
    assert opened.note.startswith("640 × 480")
    assert np.abs(opened.image - wanted).max() < 0.1


def test_what_is_no_picture_is_a_sentence_that_names_the_file(tmp_path, qapp):
    (tmp_path / "words.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    whole = saved(seven(), tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    saved(seven(ink="white"), tmp_path / "blank.png")
    for name, words in (
        ("words.png", "damaged or of another kind"),
        ("empty.png", "damaged or of another kind"),
        ("half.png", "damaged or of another kind"),
        ("blank.png", "all of one shade"),
        ("absent.png", "no such file"),
        ("", "a folder"),
    ):
        path = tmp_path / name
        with pytest.raises(ValueError, match=words) as refusal:
            read_picture(path)
        assert str(refusal.value).startswith(f"{path.name} cannot be ")
        assert str(refusal.value).endswith(".")


def test_too_large_a_picture_is_refused_before_it_is_read(tmp_path, qapp):
    path = tmp_path / "huge.pgm"
    path.write_bytes(b"P5 30000 30000 255\n")
    with pytest.raises(
        ValueError, match=r"huge.pgm cannot be used: .* at most 64 million pixels, got 30,000"
    ):
        read_picture(path)


def test_a_file_or_a_picture_may_be_dropped(tmp_path, wanted):
    file, picture, web = QMimeData(), QMimeData(), QMimeData()
    file.setUrls([QUrl.fromLocalFile(str(saved(seven(), tmp_path / "seven.png")))])
    picture.setImageData(seven())
    web.setUrls([QUrl("https://example.org/seven.png")])
    assert [holds_picture(mime) for mime in (file, picture, web)] == [True, True, False]
    for mime, name in ((file, "seven.png"), (picture, "dropped picture")):
        opened, told = dropped_picture(mime)
        assert told == name
        assert np.abs(opened.image - wanted).max() < 0.1
    picture.setImageData(seven(ink="white"))
    with pytest.raises(
        ValueError, match=r"The dropped picture cannot be used: the picture is all of one shade"
    ):
        dropped_picture(picture)
    with pytest.raises(ValueError, match="What was dropped cannot be used"):
        dropped_picture(web)


def test_the_dialog_waits_for_nobody(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = picture_dialog(parent)
    assert "*.png" in dialog.nameFilters()[0]
