"""What overlays put on the map, in data coordinates, against formulas written out."""

import numpy as np
import pytest

from optgui.core.surface import DescentConfig, DescentEngine
from optgui.gui.plot.surface_marks import Oval
from optgui.gui.plot.surface_overlays import (
    CURVATURE_PIXELS,
    MOMENT_PIXELS,
    NORMAL_PIXELS,
    OVERLAYS,
    Moment,
    lengthening,
    marks,
)

BOWL = {"name": "Formula", "text": "x**2 + 10*y**2"}
SGD = {"name": "SGD", "lr": 0.01}
MOMENTUM = {"name": "SGD", "lr": 0.01, "momentum": 0.9}
ADAM = {"name": "Adam", "lr": 0.1}


def race(optimizers=(SGD,), steps=5, **values):
    engine = DescentEngine(
        DescentConfig.parse(
            {
                "surface": BOWL,
                "start": [2.0, 1.0],
                "steps": steps,
                "racers": [{"optimizer": optimizer} for optimizer in optimizers],
                **values,
            }
        )
    )
    while not engine.done:
        engine.step()
    return engine.frame()


def moment(frame, step, pixel=1e-3, places=None, focus=0):
    return Moment(frame, step, tuple(range(len(frame.ids))) if places is None else places, focus, pixel)


def of_kind(found, kind):
    return [mark for mark in (*found.arrows, *found.ovals) if mark.kind == kind]


def gradient(point):
    return np.array([2 * point[0], 20 * point[1]])


def test_overlays_have_names_words_and_a_default():
    assert [overlay.name for overlay in OVERLAYS] == [
        "ahead",
        "arrows",
        "moments",
        "curvature",
        "projection",
        "normals",
        "taylor1",
        "taylor2",
        "noise",
        "stationary",
    ]
    assert all(overlay.label and overlay.help for overlay in OVERLAYS)


def test_step_arrows_end_where_the_numbers_say():
    frame = race((MOMENTUM,))
    found = marks(moment(frame, 3), {"arrows"})
    head, velocity = np.array([2.0, 1.0]), np.zeros(2)
    for _ in range(3):
        velocity = 0.9 * velocity + gradient(head)
        head = head - 0.01 * velocity
    (slope,), (memory,), (update,) = (of_kind(found, kind) for kind in ("gradient", "momentum", "update"))
    assert slope.tail == memory.tail == update.tail == pytest.approx(tuple(head))
    assert slope.tip == pytest.approx(tuple(head - 0.01 * gradient(head)))
    assert memory.tip == pytest.approx(tuple(head - 0.01 * velocity))
    assert update.tip == pytest.approx(tuple(head - 0.01 * (0.9 * velocity + gradient(head))))


def test_an_update_that_is_not_computed_yet_has_no_arrow():
    frame = race()
    found = marks(moment(frame, frame.step), {"arrows"})
    assert of_kind(found, "gradient")
    assert not of_kind(found, "update")


def test_arrows_too_short_to_read_are_lengthened_alike_and_the_legend_says_so():
    frame = race()
    at = moment(frame, 0, pixel=0.05)  # the update is 0.204 long: 4 pixels
    assert lengthening(at) == 10
    found = marks(at, {"arrows"})
    (update,) = of_kind(found, "update")
    assert update.tip == pytest.approx((2.0 - 10 * 0.01 * 4, 1.0 - 10 * 0.01 * 20))
    assert ("update", "next update ×10") in found.legend


def test_arrows_long_enough_are_true_to_scale():
    found = marks(moment(race(), 0), {"arrows"})
    assert ("update", "next update") in found.legend


def test_only_shown_racers_that_have_not_diverged_get_marks():
    frame = race((SGD, SGD, {"name": "SGD", "lr": 1e6}), steps=60)
    assert frame.diverged[2] is not None
    found = marks(moment(frame, 50, places=(1, 2), focus=1), {"arrows", "curvature"})
    assert {mark.racer for mark in (*found.arrows, *found.ovals)} == {frame.ids[1]}


def test_the_second_moment_ellipse_has_half_axes_in_the_ratio_of_the_scales():
    frame = race((ADAM, SGD))
    found = marks(moment(frame, 3, pixel=0.01), {"moments"})
    (oval,) = found.ovals  # plain descent has no scale
    scale = frame.scales[0, 3]
    a, b = oval.half_axes
    assert max(a, b) == pytest.approx(MOMENT_PIXELS * 0.01)
    assert a / b == pytest.approx(scale[1] / scale[0])
    assert oval.centre == pytest.approx(tuple(frame.paths[0, 3]))


def test_the_curvature_ellipse_is_longest_where_the_bowl_is_flattest():
    (oval,) = marks(moment(race(), 2, pixel=0.01), {"curvature"}).ovals
    assert oval.half_axes == pytest.approx((CURVATURE_PIXELS * 0.01, CURVATURE_PIXELS * 0.01 / 10**0.5))
    assert oval.angle == pytest.approx(0)


def test_a_projected_step_is_two_arrows():
    frame = race(constraint={"name": "HalfSpace", "normal": [0, -1], "offset": -0.9})
    found = marks(moment(frame, 1), {"projection"})
    (raw,), (back,) = of_kind(found, "raw"), of_kind(found, "projection")
    assert raw.tail == (2.0, 1.0)
    assert raw.tip == back.tail == pytest.approx((2.0 - 0.01 * 4, 1.0 - 0.01 * 20))
    assert back.tip == pytest.approx((1.96, 0.9))


def test_a_step_that_stays_inside_has_no_projection():
    frame = race(constraint={"name": "HalfSpace", "normal": [0, -1], "offset": 5})
    assert not marks(moment(frame, 1), {"projection"}).arrows


def test_active_normals_times_their_multipliers_add_up_to_the_negative_gradient_in_a_corner():
    frame = race(start=[1.5, 0.5], steps=60, constraint={"name": "Box", "low": [1, 0.25], "high": [3, 3]})
    found = marks(moment(frame, 60, pixel=0.01), {"normals"})
    unit = NORMAL_PIXELS * 0.01 / np.hypot(2, 5)  # -∇f(1, 1/4) = (-2, -5)
    tips = sorted(arrow.tip for arrow in of_kind(found, "normal"))
    assert tips == [pytest.approx((1 - 2 * unit, 0.25)), pytest.approx((1, 0.25 - 5 * unit))]
    (descent,) = of_kind(found, "descent")
    assert descent.tip == pytest.approx((1 - 2 * unit, 0.25 - 5 * unit))
    assert not of_kind(found, "rest")
    assert sorted(note.text for note in found.notes) == ["μ = 2", "μ = 5"]
    assert len(of_kind(found, "side")) == 2


def test_what_the_border_does_not_balance_is_drawn_as_the_rest():
    frame = race(start=[2.0, 0.5], steps=1, constraint={"name": "Box", "low": [-9, 0.5], "high": [9, 3]})
    found = marks(moment(frame, 0, pixel=0.01), {"normals"})
    unit = NORMAL_PIXELS * 0.01 / np.hypot(4, 10)
    (rest,) = of_kind(found, "rest")
    assert rest.tail == pytest.approx((2.0, 0.5 - 10 * unit))
    assert rest.tip == pytest.approx((2.0 - 4 * unit, 0.5 - 10 * unit))


def test_inside_the_set_there_are_no_normals():
    frame = race(constraint={"name": "Ball", "center": [0, 0], "radius": 50})
    assert not marks(moment(frame, 2), {"normals"}).arrows


def test_noise_balls_and_stationary_points_show_only_when_switched_on():
    ball = Oval("noise", 1, (0, 0), (1, 2), 0)
    bottom = race().config.surface.curvature(0, 0)
    both = marks(None, {"noise", "stationary"}, [ball], [bottom])
    assert both.ovals == (ball,)
    assert [(symbol.kind, symbol.at) for symbol in both.symbols] == [("minimum", (0.0, 0.0))]
    assert [kind for kind, _ in both.legend] == ["noise", "minimum"]
    assert not any(marks(None, set(), [ball], [bottom]))
