import subprocess
import sys

from optgui.gui.plot.opengl import available


def test_without_a_screen_one_sentence_says_so(qapp):
    assert available() == "The 3-D view needs a screen: Qt's platform 'offscreen' has no OpenGL."


def test_the_view_is_imported_without_opengl():
    code = "import sys, optgui.gui.plot.surface_view_3d; print('OpenGL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_missing_package_is_named(qapp, monkeypatch):
    from optgui.gui.plot import opengl

    monkeypatch.setattr(opengl.QGuiApplication, "platformName", lambda: "xcb")
    monkeypatch.setitem(sys.modules, "OpenGL", None)
    monkeypatch.setenv("PYOPENGL_PLATFORM", "x11")
    sentence = opengl.available.__wrapped__()
    assert sentence == "The 3-D view needs the package PyOpenGL, which is not installed."
