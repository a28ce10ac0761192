"""The only place that knows where the icons and styles of the program lie."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """Path of a resource: in the wheel beside the package, in a checkout or frozen program one folder up.

    Raises:
        FileNotFoundError: if neither place holds it.
    """
    for root in (_PACKAGE / "_resources", _PACKAGE.parent / "resources"):
        found = root.joinpath(*parts)
        if found.exists():
            return found
    raise FileNotFoundError(f"resource {'/'.join(parts)}: expected in {_PACKAGE / '_resources'}, got nothing")
