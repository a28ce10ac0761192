"""Colours, sizes and the light and dark look; the only place that holds a colour.

A widget asks `colours(self)` when it paints and again on `changeEvent` with `PaletteChange`: the palette
itself tells light from dark, so nothing has to be passed around.
"""

from __future__ import annotations

import dataclasses

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QWidget

CHOICES = (("system", "Follow the system"), ("light", "Light"), ("dark", "Dark"))


@dataclasses.dataclass(frozen=True)
class Colours:
    """The tokens of one look; `series` are the racers' and runs' colours, Okabe and Ito's adapted."""

    window: str
    panel: str
    plot: str
    text: str
    muted: str
    rule: str
    accent: str
    ok: str
    warning: str
    error: str
    casing: str  # around paths on a map
    series: tuple[str, ...]


LIGHT = Colours(
    window="#F5F6F8",
    panel="#FFFFFF",
    plot="#FFFFFF",
    text="#1A1D23",
    muted="#5C6470",
    rule="#D9DDE3",
    accent="#0B62C4",
    ok="#1B7F4B",
    warning="#9A6200",
    error="#B42318",
    casing="#FFFFFF",
    series=("#0072B2", "#B27700", "#009E73", "#D55E00", "#CC79A7", "#2E8BC0", "#8C6BB1", "#7F7F7F"),
)
DARK = Colours(
    window="#15171C",
    panel="#1C1F26",
    plot="#181B21",
    text="#E8EAEE",
    muted="#9AA3B0",
    rule="#2E333C",
    accent="#5AA9FF",
    ok="#4CC38A",
    warning="#E5A93B",
    error="#FF7A6E",
    casing="#000000",
    series=("#56B4E9", "#E69F00", "#2FBF94", "#FF7F3F", "#E59AC4", "#8CC8F0", "#B39DDB", "#B0B0B0"),
)
# The second cue beside the colour, in the same order; more racers than entries repeat both with a shift.
DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
)
MARKERS = ("o", "s", "t", "d", "p", "h", "star", "+")

CAPTION, BODY, FIGURE = 0.85, 1.0, 2.0  # text sizes as multiples of the application font


def is_dark(widget: QWidget | None = None) -> bool:
    """Whether a widget (or the application) has the dark look now."""
    palette = widget.palette() if widget is not None else QGuiApplication.palette()
    return palette.window().color().lightness() < 128


def colours(widget: QWidget | None = None) -> Colours:
    """The tokens of the look a widget has now."""
    return DARK if is_dark(widget) else LIGHT


def racer_colour(identity: int, widget: QWidget | None = None) -> QColor:
    """The colour of racer or run number `identity`, the same in every view."""
    series = colours(widget).series
    return QColor(series[identity % len(series)])


def racer_dash(identity: int) -> Qt.PenStyle:
    """The dash of racer `identity`; with the colour it tells 8 x 5 racers apart."""
    return DASHES[identity % len(DASHES)]


def apply(app: QApplication, choice: str) -> None:
    """Give the whole application the look `choice`: system, light or dark.

    On bare X11 `setColorScheme` does nothing, so the palette is set by hand as well.
    """
    scheme = Qt.ColorScheme
    hints = app.styleHints()
    wanted = {"system": scheme.Unknown, "light": scheme.Light, "dark": scheme.Dark}[choice]
    hints.setColorScheme(wanted)
    dark = hints.colorScheme() == scheme.Dark if choice == "system" else choice == "dark"
    tokens = DARK if dark else LIGHT
    app.setStyle("Fusion")
    app.setPalette(_palette(tokens))
    app.setStyleSheet(_sheet(tokens))


def sized(label: QLabel, size: float, *, bold: bool = False) -> QLabel:
    """Give a label one of the three text sizes."""
    font = QFont(label.font())
    font.setPointSizeF(QGuiApplication.font().pointSizeF() * size)
    font.setBold(bold)
    label.setFont(font)
    return label


def repaints(event: QEvent) -> bool:
    """Whether a change event means that the colours have changed."""
    return event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)


def _palette(tokens: Colours) -> QPalette:
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    for target, colour in (
        (role.Window, tokens.window),
        (role.WindowText, tokens.text),
        (role.Base, tokens.panel),
        (role.AlternateBase, tokens.window),
        (role.Text, tokens.text),
        (role.Button, tokens.panel),
        (role.ButtonText, tokens.text),
        (role.ToolTipBase, tokens.panel),
        (role.ToolTipText, tokens.text),
        (role.PlaceholderText, tokens.muted),
        (role.Highlight, tokens.accent),
        (role.HighlightedText, tokens.window),
        (role.Accent, tokens.accent),
        (role.Link, tokens.accent),
        (role.Mid, tokens.rule),
        (role.Light, tokens.panel),
        (role.Midlight, tokens.rule),
        (role.Dark, tokens.rule),
    ):
        palette.setColor(target, QColor(colour))
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, target, QColor(tokens.muted))
    palette.setColor(group.Disabled, role.Highlight, QColor(tokens.rule))
    return palette


def _sheet(tokens: Colours) -> str:
    from optgui import resources

    text = resources.path("style", "optgui.qss").read_text(encoding="utf-8")
    for field in dataclasses.fields(Colours):
        if field.name != "series":
            text = text.replace(f"@{field.name}", getattr(tokens, field.name))
    return text
