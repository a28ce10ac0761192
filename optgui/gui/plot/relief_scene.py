"""The relief as OpenGL items; imported only where OpenGL is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import contourpy
import numpy as np
from numpy.typing import NDArray
from OpenGL import GL
from pyqtgraph.opengl import GLLinePlotItem, GLMeshItem, MeshData
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from optgui.core.surface import levels
from optgui.gui import theme
from optgui.gui.plot.box_3d import Box
from optgui.gui.plot.heat import heat_table
from optgui.gui.plot.relief import FLOOR, HEIGHT, Relief
from optgui.gui.plot.scene_3d import Scene
from optgui.gui.plot.trails import drape

Pieces = NDArray[np.float32]
CONTOURS = 16
CONTOUR_ALPHA, CASING_ALPHA, GHOST_ALPHA = 0.18, 0.6, 0.3
LINE, CASING, BORDER = 2.0, 4.0, 1.5  # pixels
VEIL = 0.55  # how much of what is not feasible the background takes away

BODY = {
    GL.GL_DEPTH_TEST: True,
    GL.GL_BLEND: False,
    GL.GL_CULL_FACE: False,
    GL.GL_POLYGON_OFFSET_FILL: True,  # lines on the mesh must not drown in it
    "glPolygonOffset": (1.5, 4.0),
}
ON_IT = {
    GL.GL_DEPTH_TEST: True,
    GL.GL_BLEND: True,
    GL.GL_CULL_FACE: False,
    "glDepthMask": (False,),  # later lines are drawn over earlier ones
    "glDepthFunc": (GL.GL_LESS,),
    "glBlendFuncSeparate": (GL.GL_SRC_ALPHA, GL.GL_ONE_MINUS_SRC_ALPHA, GL.GL_ONE, GL.GL_ONE_MINUS_SRC_ALPHA),
}
BEHIND_IT = {**ON_IT, "glDepthFunc": (GL.GL_GREATER,)}


class ReliefScene(Scene):
    """Mesh, contours, box, outline and paths; each is set anew only when it has changed."""

    def __init__(self, paint_over: Callable[[QPainter], None]) -> None:
        self.box: Box | None = None
        self._sides: tuple[float, float] | None = None
        super().__init__(paint_over)
        self._mesh = GLMeshItem(glOptions=BODY, smooth=True, computeNormals=False, shader=None)
        self._frame, self._contours, self._border, self._casing, self._line = (
            GLLinePlotItem(mode="lines", glOptions=ON_IT) for _ in range(5)
        )
        self._ghost = GLLinePlotItem(mode="lines", glOptions=BEHIND_IT)
        lines = (self._frame, self._contours, self._border, self._ghost, self._casing, self._line)
        for depth, item in enumerate((self._mesh, *lines)):
            item.setDepthValue(depth)
            self.addItem(item)

    def show_relief(self, relief: Relief, outline: NDArray[np.float64] | None, look: QWidget) -> None:
        """Take a relief, the outline (m, 2) of a feasible set, and the look of a widget.

        The look is that of a parent: a child learns of a new one too late.
        """
        tokens = theme.colours(look)
        self.setBackgroundColor(tokens.plot)
        corners, triangles = relief.mesh()
        data = MeshData(vertexes=corners.astype(np.float32), faces=triangles)
        data.setVertexColors(_colours(relief, outline, look))
        self._mesh.setMeshData(meshdata=data)
        ratio = self.devicePixelRatioF()
        dark = theme.is_dark(look)
        self._contours.setData(
            pos=_contours(relief), color=(*((1.0,) * 3 if dark else (0.0,) * 3), CONTOUR_ALPHA), width=ratio
        )
        border = np.empty((0, 2, 3), np.float32)
        if outline is not None and len(outline):
            places = relief.floor(outline)
            border, _ = drape(relief, places, np.roll(places, -1, axis=0))
        self._border.setData(pos=border.reshape(-1, 3), color=_rgba(tokens.text, 1.0), width=BORDER * ratio)
        self._casing.setData(color=_rgba(tokens.casing, CASING_ALPHA), width=CASING * ratio)
        for line in (self._line, self._ghost):
            line.setData(width=LINE * ratio)
        self.box, self._sides = Box(relief), None
        self._frame.setData(color=_rgba(tokens.rule, 1.0), width=ratio)
        self.show_box(relief.edges, FLOOR, HEIGHT)

    def show_paths(self, pieces: Sequence[Pieces], lines: Sequence[tuple[Pieces, QColor]]) -> None:
        """Draw pieces (m, 2, 3) of paths: all with a casing, and `lines` of them in their colours.

        What the relief hides shines through faintly.
        """
        self._casing.setData(pos=_joined(pieces))
        corners = _joined([part for part, _ in lines])
        colours = np.concatenate(
            [np.full((2 * len(part), 4), colour.getRgbF(), np.float32) for part, colour in lines]
            or [np.empty((0, 4), np.float32)]
        )
        self._line.setData(pos=corners, color=colours)
        self._ghost.setData(pos=corners, color=colours * np.array([1, 1, 1, GHOST_ALPHA], np.float32))

    def repaint_over(self) -> None:
        """Draw what lies over the picture anew."""
        QWidget.update(self)

    def paintGL(self) -> None:
        if self.box is None:
            return
        sides = self.box.sides(self.eye)
        if sides != self._sides:
            self._sides = sides
            self._frame.setData(pos=self.box.lines(sides))
        GL.glDepthMask(True)
        GL.glDepthFunc(GL.GL_LESS)
        super().paintGL()


def _colours(relief: Relief, outline: NDArray[np.float64] | None, look: QWidget) -> NDArray[np.uint8]:
    """Colours (n, 4) of the mesh's corners: of their height, lit, veiled where they are not feasible."""
    shades = np.nan_to_num(relief.shades.ravel(), nan=0.0)
    rgb = heat_table(look)[(shades * 255).astype(int)] * relief.light().ravel()[:, None]
    if outline is not None:
        corners, border = relief.mesh()[0][:, :2], relief.floor(outline)
        if relief.flat:
            near, far = border[:, 0].min(initial=np.inf), border[:, 0].max(initial=-np.inf)
            outside = (corners[:, 0] < near) | (corners[:, 0] > far)
        else:
            outside = ~_within(corners, border)
        paper = np.array(_rgba(theme.colours(look).plot, 1.0)[:3]) * 255
        rgb[outside] += (paper - rgb[outside]) * VEIL
    return np.column_stack([rgb.clip(0, 255), np.full(len(rgb), 255)]).astype(np.uint8)


def _contours(relief: Relief) -> Pieces:
    """Contours of the relief as corners (2 n, 3) of n lines."""
    (x0, x1), (y0, y1) = relief.domain
    generator = contourpy.contour_generator(relief.grid.x, relief.grid.y, np.ma.masked_invalid(relief.grid.z))
    pairs = [np.empty((0, 3))]
    for level in levels(relief.grid, CONTOURS):
        for line in generator.lines(float(level)):
            places = ((line - (x0, y0)) / (x1 - x0, y1 - y0) - 0.5) * relief.edges
            points = np.column_stack([places, np.full(len(line), relief.height_of(float(level)))])
            pairs.append(np.repeat(points, 2, axis=0)[1:-1])
    return np.concatenate(pairs).astype(np.float32)


def _within(points: NDArray[np.float64], outline: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (n, 2) are in a convex outline (m, 2), anticlockwise."""
    inside = np.full(len(points), len(outline) > 0)
    for (x, y), (dx, dy) in zip(outline, np.roll(outline, -1, axis=0) - outline, strict=True):
        inside &= dx * (points[:, 1] - y) - dy * (points[:, 0] - x) >= 0
    return inside


def _joined(parts: Sequence[Pieces]) -> Pieces:
    """Corners (2 m, 3) of all pieces."""
    return np.concatenate([part.reshape(-1, 3) for part in parts] or [np.empty((0, 3), np.float32)])


def _rgba(colour: str, alpha: float) -> tuple[float, float, float, float]:
    wanted = QColor(colour)
    return wanted.redF(), wanted.greenF(), wanted.blueF(), alpha
