"""OpenGL for 3-D pictures: whether it works here, and the one context they are all drawn in.

They are drawn into a buffer and shown as images. A QOpenGLWidget would make Qt rebuild the window when it is
first shown, and compose all of it through OpenGL from then on, which a software renderer pays at each repaint
of a curve. One context serves all, because pyqtgraph keeps its shader programs once a process.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext

OLDEST = (2, 1)  # what pyqtgraph asks for


class Renderer:
    """A context and a surface that nobody sees; both live as long as the application."""

    def __init__(self) -> None:
        application = QGuiApplication.instance()
        self.context = QOpenGLContext(application)
        self._made = self.context.create()
        self._surface = QOffscreenSurface(parent=application)
        if self._made:
            self._surface.setFormat(self.context.format())
            self._surface.create()

    def begin(self) -> bool:
        """Make the context current; whether that worked."""
        return self._made and self._surface.isValid() and self.context.makeCurrent(self._surface)

    def end(self) -> None:
        """Let go of the context."""
        self.context.doneCurrent()


@functools.cache
def renderer() -> Renderer:
    """The one renderer; wants an application."""
    return Renderer()


@functools.cache
def available() -> str:
    """Nothing if 3-D pictures can be drawn here, else one sentence that says why not; looks only once."""
    platform = QGuiApplication.platformName()
    if platform in ("offscreen", "minimal"):
        return f"The 3-D view needs a screen: Qt's platform '{platform}' has no OpenGL."
    _choose_platform(platform)
    try:
        importlib.import_module("OpenGL.GL")
    except ModuleNotFoundError:
        return "The 3-D view needs the package PyOpenGL, which is not installed."
    except Exception as error:  # it loads the system's library, and each system fails in its own way
        return f"The 3-D view needs OpenGL, and its library does not load: {error}"
    if not renderer().begin():
        return "The 3-D view needs OpenGL, and this screen's driver gives no context for it."
    try:
        return _unfit()
    finally:
        renderer().end()


def _unfit() -> str:
    """Why the current context does not do, or nothing."""
    version = renderer().context.format().version()
    if version < OLDEST:
        return f"The 3-D view needs OpenGL 2.1 or newer; this screen has {version[0]}.{version[1]}."
    try:
        importlib.import_module("pyqtgraph.opengl")
        current = importlib.import_module("OpenGL.platform").PLATFORM.GetCurrentContext()
    except Exception as error:
        return f"The 3-D view needs OpenGL, and it does not start: {error}"
    return "" if current else "The 3-D view needs OpenGL, and PyOpenGL does not see the context of Qt."


def _choose_platform(platform: str) -> None:
    """Tell PyOpenGL which window system Qt talks to: by itself it guesses from the session."""
    if sys.platform == "linux":
        egl = platform.startswith("wayland") or os.environ.get("QT_XCB_GL_INTEGRATION") == "xcb_egl"
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl" if egl else "x11")
