"""What the head of one racer tells: where it is, how the surface curves there, what its rate does."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from optgui.core.curvature import Curvature
from optgui.core.surface import DescentFrame
from optgui.core.surface.feasible import sweeps
from optgui.core.surface.noise_ball import NoiseBall, ball_of, measured_ball
from optgui.core.surface.rates import Regime, ruler
from optgui.gui.pace import Pace
from optgui.gui.plot.curve_axis import short
from optgui.gui.readings import Facts
from optgui.gui.surface.race_numbers import called, measure_name

READINGS_MS = 200  # numbers that change faster cannot be read
_MEASURED_FROM = 100  # steps: a shorter path says nothing about a ball


class RaceReadings(QWidget):
    """Numbers at the play head; a row that does not apply is hidden."""

    curved = Signal(object)  # curvatures of all racers at their heads, in their order
    balls_changed = Signal(object)  # predicted NoiseBall by racer id: all that are to be drawn

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(16)
        self.place = Facts("Where the racer is", "surface.reading", ("Racer", "x, y", "f", "‖∇f‖"))
        self.curvature = Facts(
            "Curvature there",
            "surface.curvature",
            ("Gradient", "Hessian λ", "Condition", "Kind", "Regime"),
        )
        self.help = QLabel()
        self.help.setObjectName("surface.curvature.help")
        self.help.setProperty("role", "muted")
        self.help.setWordWrap(True)
        self.constraint = Facts("Feasible set", "surface.feasible", ("Projected gradient",))
        self.noise = Facts("Noise ball", "surface.noise_ball", ("Predicted ±", "Measured ±"))
        self.noise_help = QLabel()
        self.noise_help.setProperty("role", "muted")
        self.noise_help.setWordWrap(True)
        for widget in (self.place, self.curvature, self.help, self.constraint, self.noise, self.noise_help):
            layout.addWidget(widget)
        layout.addStretch(1)
        self._frame: DescentFrame | None = None
        self._step = 0
        self._identity: int | None = None
        self._ball_of: tuple[object, ...] | None = None
        self._ball: NoiseBall | None = None
        self._pace = Pace(self._show, self, READINGS_MS)

    def select(self, identity: int) -> None:
        """Tell of another racer."""
        self._identity = identity
        self._pace.ask()

    def show_race(self, frame: DescentFrame, step: int) -> None:
        """Tell what stands at `step`, a few times a second."""
        self._frame, self._step = frame, step
        self._pace.ask()

    def show_now(self) -> None:
        """Tell it at once: the race rests."""
        self._pace.now()

    def _show(self) -> None:
        frame, step = self._frame, self._step
        if frame is None:
            return
        curvatures = frame.surface.curvatures(frame.paths[:, step])
        self.curved.emit(curvatures)
        place = frame.ids.index(self._identity) if self._identity in frame.ids else 0
        self._show_place(frame, place, step)
        self._show_curvature(frame, place, step, curvatures[place])
        self._show_constraint(frame, place, step)
        self._show_noise(frame, place, step)

    def _show_place(self, frame: DescentFrame, place: int, step: int) -> None:
        x, y = frame.paths[place, step]
        stop = frame.diverged[place]
        gone = stop is not None and step >= stop
        slope = float(np.hypot(*frame.gradients[place, step]))
        self.place.show_fact("Racer", called(frame.config.racers[place]))
        self.place.show_fact("x, y", short(x) if frame.surface.entry.dimension == 1 else f"{x:.4g}, {y:.4g}")
        self.place.show_fact("f", f"diverged at step {stop}" if gone else f"{frame.losses[place, step]:.6g}")
        self.place.show_fact("‖∇f‖", f"{slope:.4g}")

    def _show_curvature(self, frame: DescentFrame, place: int, step: int, at: Curvature) -> None:
        one = frame.surface.entry.dimension == 1
        eigenvalues = at.hessian[0, :1] if one else at.eigenvalues
        gradient = at.gradient[:1] if one else at.gradient
        self.curvature.show_fact("Gradient", ", ".join(f"{item:.4g}" for item in gradient))
        self.curvature.show_fact("Hessian λ", ", ".join(f"{item:.4g}" for item in eigenvalues))
        definite = not one and eigenvalues[0] * eigenvalues[-1] > 0
        self.curvature.show_fact("Condition", f"{at.condition:.4g}" if definite else "–")
        self.curvature.show_fact("Kind", at.kind)
        regime = _regime(frame, place, step, eigenvalues)
        self.curvature.show_fact("Regime", regime.name if regime else "–")
        words = [at.shape.capitalize() + "." if not one else ""]
        if regime is not None:
            words.append(regime.help)
            free = measure_name(frame.config) == "gradient norm"
            if np.isfinite(regime.rate) and regime.escape is None and free:
                words.append(f"In the long run the distance shrinks to {regime.rate:.4g} of itself per step.")
        self.help.setText(" ".join(word for word in words if word))

    def _show_constraint(self, frame: DescentFrame, place: int, step: int) -> None:
        bound = measure_name(frame.config) != "gradient norm"
        self.constraint.setVisible(bound)
        if not bound:
            return
        self.constraint.show_fact("Projected gradient", f"{frame.measures[place, step]:.4g}")
        feasible, x = frame.config.feasible(), frame.paths[place, step]
        try:
            multipliers = feasible.multipliers(x, frame.gradients[place, step])
        except ValueError:  # a hair outside by rounding
            return
        pushing = [f"{value:.4g}" for value in multipliers.values if value > 0]
        self.constraint.show_fact("Multipliers", ", ".join(pushing) or "none active")
        self.constraint.show_fact("KKT residual", f"{multipliers.residual:.3g}")
        count, residual = sweeps(feasible, frame.raw[place, step])
        if count:
            self.constraint.show_fact("Dykstra sweeps", f"{count:,}")
            self.constraint.show_fact("Dykstra residual", f"{residual:.3g}")

    def _show_noise(self, frame: DescentFrame, place: int, step: int) -> None:
        noisy = frame.config.noise.name != "None"
        self.noise.setVisible(noisy)
        self.noise_help.setVisible(noisy)
        lr = float(frame.lrs[place, step])
        wanted = (frame.config, place, lr) if noisy else ()
        if wanted != self._ball_of:
            self._ball_of = wanted
            self._ball = ball_of(frame.config, place, frame.paths[place, step], lr) if noisy else None
            self.balls_changed.emit({} if self._ball is None else {frame.ids[place]: self._ball})
        if not noisy:
            return
        self.noise.show_fact("Predicted ±", _deviations(self._ball))
        path = frame.paths[place, : step + 1]
        measured = measured_ball(path) if step >= _MEASURED_FROM else None
        self.noise.show_fact("Measured ±", _deviations(measured))
        self.noise_help.setText(_noise_words(frame, self._ball))


def _regime(frame: DescentFrame, place: int, step: int, eigenvalues: np.ndarray) -> Regime | None:
    lr = float(frame.lrs[place, step])
    if not np.isfinite(eigenvalues).all() or not lr > 0:
        return None
    return ruler(eigenvalues, frame.config.racers[place].optimizer).regime(lr)


def _deviations(ball: NoiseBall | None) -> str:
    return "–" if ball is None else ", ".join(f"{item:.3g}" for item in ball.deviations)


def _noise_words(frame: DescentFrame, ball: NoiseBall | None) -> str:
    if ball is None and measure_name(frame.config) != "gradient norm":
        return "Inside a feasible set there is no prediction."
    if ball is None:
        return "There is a prediction for gradient descent with or without momentum near a known minimum."
    if frame.config.noise.values.get("sampling") == "epochs":
        return "The prediction is for independent batches; those of an epoch cancel and stay closer."
    return "Standard deviations along the axes of the ball; measured over the second half of the path."
