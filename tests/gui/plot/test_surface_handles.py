"""Where a constraint can be taken hold of, and what it becomes."""

import pytest

from optgui.core.constraints import ConstraintConfig
from optgui.gui.plot.surface_handles import handles, moved

PIXEL = 0.01


def drag(values, name, to, near=(0.0, 0.0)):
    config = ConstraintConfig.parse(values)
    found = {f"{handle.part} {handle.name}".strip(): handle for handle in handles(config, near)}
    return moved(config, found[name], to, PIXEL)


@pytest.mark.parametrize(
    ("values", "name", "to", "changed"),
    [
        ({"name": "Ball", "center": [1, 1], "radius": 2}, "center", (3, 4), {"center": (3, 4)}),
        ({"name": "Ball", "center": [1, 1], "radius": 2}, "radius", (4, 5), {"radius": 5}),
        ({"name": "Box"}, "upper right", (2, 3), {"high": (2, 3)}),
        ({"name": "Box"}, "lower left", (-2, 0.5), {"low": (-2, 0.5)}),
        ({"name": "Box"}, "upper left", (3, 2), {"low": (1, -1), "high": (3, 2)}),
        ({"name": "Box"}, "center", (1, 1), {"low": (0, 0), "high": (2, 2)}),
        ({"name": "HalfSpace", "normal": [1, 2], "offset": 1}, "offset", (1, 3), {"offset": 7}),
        ({"name": "Line", "point": [5, 0], "direction": [1, 0]}, "point", (9, 2), {"point": (5, 2)}),
        ({"name": "Simplex"}, "total", (1, 2), {"total": 3}),
        (
            {"name": "Polygon", "vertices": [0, 0, 1, 0, 0, 1]},
            "vertex 2",
            (4, 5),
            {"vertices": (0, 0, 4, 5, 0, 1)},
        ),
    ],
)
def test_a_moved_handle_changes_its_own_numbers(values, name, to, changed):
    before = ConstraintConfig.parse(values)
    after = drag(values, name, to)
    assert after.name == before.name
    assert after.values == {**before.values, **changed}


def test_a_set_within_an_intersection_is_changed_in_place():
    values = {"name": "Intersection", "first": {"name": "Ball"}, "second": {"name": "HalfSpace"}}
    after = drag(values, "first radius", (0, 3))
    assert after.values["first"].values["radius"] == 3
    assert after.values["second"] == ConstraintConfig.parse(values).values["second"]


@pytest.mark.parametrize(
    ("values", "name", "point"),
    [
        ({"name": "Ball", "center": [1, 1], "radius": 2}, "radius", (3, 1)),
        ({"name": "HalfSpace", "normal": [0, 2], "offset": 6}, "offset", (7, 3)),
        ({"name": "Line", "point": [0, 1], "direction": [1, 0]}, "point", (7, 1)),
        ({"name": "Simplex", "total": 3}, "total", (1.5, 1.5)),
    ],
)
def test_a_handle_lies_on_the_border_and_near_the_middle_of_the_view(values, name, point):
    found = {handle.name: handle for handle in handles(ConstraintConfig.parse(values), (7.0, 9.0))}
    assert found[name].point == pytest.approx(point)


def test_numbers_are_no_finer_than_a_pixel_and_others_keep_their_digits():
    after = drag({"name": "Ball", "center": [0.123456, 0], "radius": 1}, "radius", (1.98765, 0))
    assert after.values == {"center": (0.123456, 0.0), "radius": 1.86}


@pytest.mark.parametrize(
    ("values", "name", "to"),
    [
        ({"name": "Ball"}, "radius", (0, 0)),
        ({"name": "Simplex"}, "total", (-1, 0)),
        (
            {
                "name": "Intersection",
                "first": {"name": "Ball"},
                "second": {"name": "HalfSpace", "normal": [1, 0], "offset": 0},
            },
            "first center",
            (5, 0),
        ),
    ],
)
def test_what_is_no_set_is_refused(values, name, to):
    assert drag(values, name, to) is None


def test_no_constraint_has_no_handles():
    assert handles(ConstraintConfig(name="None"), (0, 0)) == ()
