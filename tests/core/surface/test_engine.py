"""The race: equal to plain torch.optim loops, cut where it diverges, edited while it runs."""

import time

import numpy as np
import pytest
import torch

from optgui.core import engine as contract
from optgui.core.engine import RunFailed
from optgui.core.optimizers import OPTIMIZERS
from optgui.core.params import params_of
from optgui.core.surface import SURFACES, DescentConfig, DescentEngine, DescentOptimizer, DescentRecord

OFFERED = [name for name in OPTIMIZERS if not DescentOptimizer.refusal(name)]
FEW = {"LBFGS": {"max_iter": 4, "history_size": 5}}  # its hundred inner products per iteration take seconds


def settings_of(name, lr=1e-3):
    return {"name": name, "lr": lr, **FEW.get(name, {})}


def race(racers, **settings):
    """An engine; a racer is the mapping of its optimizer."""
    config = {"racers": [{"optimizer": racer} for racer in racers], **settings}
    return DescentEngine(DescentConfig.parse(config))


def finish(engine):
    records = []
    while not engine.done:
        records.append(engine.step())
    return records


def plain_loop(optimizer, steps, surface="Rosenbrock", start=(-1.2, 1.0), edits=None):
    """Path (steps + 1, 2), losses and gradients of torch's loop; `edits[k]` is in force from step k on."""
    values = dict(optimizer)
    point = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    torch_optimizer = getattr(torch.optim, values.pop("name"))([point], **values)

    def closure():
        torch_optimizer.zero_grad()
        loss = SURFACES[surface](point)
        loss.backward()
        return loss

    path, losses, gradients = [], [], []
    for step in range(1, steps + 2):
        losses.append(closure().item())
        path.append(point.detach().clone())
        gradients.append(point.grad.clone())
        torch_optimizer.param_groups[0].update((edits or {}).get(step, {}))
        torch_optimizer.step(closure)
    return torch.stack(path).numpy(), np.array(losses), torch.stack(gradients).numpy()


def state_of(engine):
    """Everything an edit could change."""
    groups = [
        {key: value for key, value in group.items() if key != "params"}
        for optimizer in engine._optimizers
        for group in optimizer.param_groups
    ]
    return engine.config, groups, engine.frame().paths.copy().tolist()


@pytest.mark.parametrize("name", OFFERED)
@pytest.mark.parametrize("surface", ["Quadratic", "Rosenbrock", "Himmelblau", "Ackley"])
def test_every_optimizer_equals_a_plain_torch_loop_bit_for_bit(name, surface):
    optimizer = settings_of(name)
    engine = race([optimizer], steps=200, surface=surface)
    finish(engine)
    foreach = {} if name == "LBFGS" else {"foreach": False}
    path, losses, gradients = plain_loop({**optimizer, **foreach}, 200, surface, SURFACES[surface].start)
    frame = engine.frame()
    assert not np.array_equal(path[0], path[-1])
    np.testing.assert_array_equal(frame.paths[0], path)
    np.testing.assert_array_equal(frame.losses[0], losses)
    np.testing.assert_allclose(frame.gradient_norms[0], np.linalg.norm(gradients, axis=1), rtol=1e-14)


def test_textbook_gradient_descent_on_a_quadratic_contracts_by_one_minus_rate_times_eigenvalue():
    surface = {"name": "Quadratic", "condition": 8, "angle": 0}
    engine = race([{"name": "SGD", "lr": 0.2}], surface=surface, start=[2, 1], steps=30)
    finish(engine)
    steps = np.arange(31)[:, None]
    np.testing.assert_allclose(engine.frame().paths[0], [2, 1] * np.array([0.8, -0.6]) ** steps, rtol=1e-12)


def test_racers_together_equal_each_racer_alone_bit_for_bit():
    racers = [settings_of(name, lr) for lr in (1e-3, 3e-3) for name in OFFERED][:24]
    together = race(racers, steps=120, surface="Beale")
    finish(together)
    frame = together.frame()
    for place, racer in enumerate(racers):
        alone = race([racer], steps=120, surface="Beale")
        finish(alone)
        np.testing.assert_array_equal(frame.paths[place], alone.frame().paths[0])
        np.testing.assert_array_equal(frame.losses[place], alone.frame().losses[0])


def test_same_config_gives_the_same_race_and_leaves_torchs_generator_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, second = (DescentEngine(DescentConfig(steps=60)) for _ in range(2))
    assert finish(first) == finish(second)
    first.frame()
    first.apply(first.config.changed("steps", 80))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_record_and_frame_tell_the_same_numbers():
    engine = DescentEngine(DescentConfig(steps=25))
    records = finish(engine)
    frame = engine.frame()
    assert all(isinstance(record, DescentRecord) for record in records)
    assert [record.step for record in records] == list(range(1, 26))
    np.testing.assert_array_equal(np.array([record.losses for record in records]).T, frame.losses[:, 1:])
    norms = np.array([record.gradient_norms for record in records]).T
    np.testing.assert_array_equal(norms, frame.gradient_norms[:, 1:])
    assert {record.lrs for record in records} == {(0.001, 0.001, 0.05)}


def test_frame_has_the_documented_shapes_before_during_and_after():
    engine = DescentEngine(DescentConfig(steps=1200))
    for steps in (0, 1, 600, 1200):
        while engine.frame().step < steps:
            engine.step()
        frame = engine.frame()
        assert frame.paths.shape == (3, steps + 1, 2)
        assert frame.losses.shape == frame.gradient_norms.shape == (3, steps + 1)
        np.testing.assert_array_equal(frame.heads, frame.paths[:, -1])
        assert frame.paths.dtype == frame.losses.dtype == np.float64
    assert engine.done
    assert frame.ids == (0, 1, 2)
    assert frame.diverged == (None, None, None)
    assert frame.minima == SURFACES["Rosenbrock"].minima
    assert frame.surface == engine.config.surface


def test_frames_are_read_only_and_an_old_one_does_not_change_as_the_race_goes_on():
    engine = DescentEngine(DescentConfig(steps=1500))
    for _ in range(10):
        engine.step()
    old = engine.frame()
    names = ("paths", "losses", "gradient_norms", "heads")
    kept = {name: getattr(old, name).copy() for name in names}
    finish(engine)
    for name in names:
        np.testing.assert_array_equal(getattr(old, name), kept[name])
        with pytest.raises(ValueError, match="read-only"):
            getattr(old, name)[0] = 0
    np.testing.assert_array_equal(engine.frame().paths[:, :11], old.paths)


def test_a_diverging_racer_is_cut_at_its_last_finite_position_while_the_others_go_on():
    wild, calm = {"name": "SGD", "lr": 0.1}, {"name": "Adam", "lr": 0.02}
    engine = race([wild, calm], steps=60)
    records = finish(engine)
    frame = engine.frame()
    step, none = frame.diverged
    assert none is None
    theirs, their_losses, _ = plain_loop(wild, step)
    assert np.isfinite(their_losses[:step]).all()
    assert not np.isfinite(their_losses[step])
    np.testing.assert_array_equal(frame.paths[0, :step], theirs[:step])
    np.testing.assert_array_equal(frame.paths[0, step:], np.broadcast_to(theirs[step - 1], (61 - step, 2)))
    np.testing.assert_array_equal(frame.losses[0, step:], their_losses[step - 1])
    np.testing.assert_array_equal(frame.paths[1], plain_loop({**calm, "foreach": False}, 60)[0])
    assert np.isfinite(frame.paths).all()
    assert np.isfinite(frame.losses).all()
    assert np.isfinite([record.losses for record in records]).all()


@pytest.mark.parametrize("name", ["SGD", "LBFGS", "ASGD"])
def test_a_race_is_over_when_every_racer_has_diverged(name):
    engine = race([{"name": name, "lr": 1000.0}] * 2, steps=500)
    records = finish(engine)
    frame = engine.frame()
    assert None not in frame.diverged
    assert len(records) == max(frame.diverged) < 500
    with pytest.raises(RunFailed, match="every racer has diverged"):
        engine.step()


def test_a_finished_race_does_not_step_and_more_steps_revive_it():
    engine = DescentEngine(DescentConfig(steps=3))
    finish(engine)
    with pytest.raises(RunFailed, match="all steps are taken"):
        engine.step()
    assert engine.frame().paths.shape == (3, 4, 2)
    engine.apply(engine.config.changed("steps", 8))
    assert not engine.done
    finish(engine)
    straight = DescentEngine(DescentConfig(steps=8))
    finish(straight)
    np.testing.assert_array_equal(engine.frame().paths, straight.frame().paths)


@pytest.mark.parametrize(
    ("optimizer", "edit"),
    [
        ({"name": "SGD", "lr": 0.001}, {"lr": 0.0003}),
        ({"name": "SGD", "lr": 0.001}, {"momentum": 0.8}),
        ({"name": "SGD", "lr": 0.001, "momentum": 0.9}, {"momentum": 0.5, "weight_decay": 0.1}),
        ({"name": "Adam", "lr": 0.02}, {"lr": 0.2, "betas": [0.5, 0.9]}),
        ({"name": "RMSprop", "lr": 0.01}, {"lr": 0.002, "alpha": 0.9}),
        ({"name": "NAdam", "lr": 0.02}, {"lr": 0.1}),
        ({"name": "LBFGS", "lr": 0.1}, {"lr": 0.02}),
    ],
)
def test_a_live_edit_acts_at_the_next_step_as_in_a_plain_loop(optimizer, edit):
    engine = race([optimizer, {"name": "Adagrad", "lr": 0.1}], steps=40)
    for _ in range(15):
        engine.step()
    config = engine.config
    for field, value in edit.items():
        config = config.changed(f"racers.0.optimizer.{field}", value)
    engine.apply(config)
    records = finish(engine)
    foreach = {} if optimizer["name"] == "LBFGS" else {"foreach": False}
    path, _, _ = plain_loop({**optimizer, **foreach}, 40, edits={16: edit})
    frame = engine.frame()
    np.testing.assert_array_equal(frame.paths[0], path)
    np.testing.assert_array_equal(
        frame.paths[1], plain_loop({"name": "Adagrad", "lr": 0.1, "foreach": False}, 40)[0]
    )
    assert records[0].lrs[0] == edit.get("lr", optimizer["lr"])
    unedited = race([optimizer], steps=40)
    finish(unedited)
    assert not np.array_equal(frame.paths[0], unedited.frame().paths[0])


@pytest.mark.parametrize("name", OFFERED)
def test_every_number_of_every_optimizer_may_be_edited_while_it_runs(name):
    engine = race([settings_of(name)], steps=100)
    for spec in params_of(OPTIMIZERS[name].params):
        if not spec.live:
            continue
        for _ in range(7):
            engine.step()
        value = getattr(engine.config.racers[0].optimizer, spec.name)
        edited = {"d": 1.5, "etas": (0.4, 1.3), "max_iter": 9, "history_size": 2}.get(spec.name)
        if edited is None:
            edited = tuple(item * 0.9 for item in value) if isinstance(value, tuple) else value * 0.9 + 1e-9
        engine.apply(engine.config.changed(f"racers.0.optimizer.{spec.name}", edited))
        assert getattr(engine.config.racers[0].optimizer, spec.name) == edited != value
        assert engine._optimizers[0].param_groups[0][spec.name] == edited
    finish(engine)
    assert engine.frame().diverged == (None,)


@pytest.mark.parametrize("history", [1, 3, 50])
def test_lbfgs_goes_on_with_a_shorter_or_longer_memory(history):
    engine = race([{"name": "LBFGS", "lr": 0.1, "max_iter": 3, "history_size": 10}], steps=20)
    for _ in range(5):
        engine.step()
    engine.apply(engine.config.changed("racers.0.optimizer.history_size", history))
    losses = [record.losses[0] for record in finish(engine)]
    assert losses[-1] < losses[0]
    (state,) = engine._optimizers[0].state.values()
    assert len(state["old_dirs"]) <= history


def test_a_longer_lbfgs_step_takes_all_the_iterations_asked_for():
    optimizer = {"name": "LBFGS", "lr": 1e-4, "max_iter": 2, "history_size": 5}
    edited = race([optimizer], steps=3)
    edited.apply(edited.config.changed("racers.0.optimizer.max_iter", 30))
    finish(edited)
    fresh = race([{**optimizer, "max_iter": 30}], steps=3)
    finish(fresh)
    np.testing.assert_array_equal(edited.frame().paths, fresh.frame().paths)


def test_visibility_may_be_edited_and_moves_nothing():
    engine = DescentEngine(DescentConfig(steps=10))
    engine.step()
    engine.apply(engine.config.changed("racers.1.visible", False))
    finish(engine)
    straight = DescentEngine(DescentConfig(steps=10))
    finish(straight)
    np.testing.assert_array_equal(engine.frame().paths, straight.frame().paths)
    assert not engine.config.racers[1].visible


RACERS = [
    {"id": 0, "optimizer": {"name": "SGD", "lr": 0.001, "momentum": 0.9, "nesterov": True}},
    {"id": 1, "optimizer": {"name": "SGD", "lr": 0.001, "momentum": 0.9, "nesterov": True}},
]


def with_optimizers(first, second):
    return {"racers": [{**RACERS[0], "optimizer": first}, {**RACERS[1], "optimizer": second}]}


SGD = RACERS[0]["optimizer"]
REFUSED = {
    "surface": ({"surface": "Beale", "start": [-1.2, 1.0]}, "surface.name: takes effect at the next start"),
    "start": ({"start": [0, 0]}, "start: takes effect at the next start"),
    "fewer racers": ({"racers": RACERS[:1]}, "racers: takes effect at the next start"),
    "other racers": (
        {"racers": [RACERS[0], {**RACERS[1], "id": 7}]},
        "racers.1.id: takes effect at the next start",
    ),
    "optimizer": (
        with_optimizers(SGD, {"name": "Adam"}),
        "racers.1.optimizer.name: takes effect at the next start",
    ),
    "switch": (
        with_optimizers({**SGD, "lr": 0.5}, {**SGD, "nesterov": False}),
        "racers.1.optimizer.nesterov: takes effect at the next start",
    ),
    "torch": (
        with_optimizers({**SGD, "lr": 0.5}, {**SGD, "momentum": 0.0}),
        "racers.1.optimizer: Nesterov momentum requires a momentum",
    ),
    "steps": (
        {"steps": 5, **with_optimizers({**SGD, "lr": 0.5}, SGD)},
        "steps: expected at least the 6 already taken",
    ),
}


@pytest.mark.parametrize(("edit", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_refused_edit_changes_nothing_and_the_race_goes_on(edit, sentence):
    settings = {"racers": RACERS, "steps": 20}
    engine = DescentEngine(DescentConfig.parse(settings))
    for _ in range(6):
        engine.step()
    before = state_of(engine)
    with pytest.raises(ValueError, match=sentence):
        engine.apply(DescentConfig.parse({**settings, **edit}))
    assert state_of(engine) == before
    finish(engine)
    undisturbed = DescentEngine(DescentConfig.parse(settings))
    finish(undisturbed)
    np.testing.assert_array_equal(engine.frame().paths, undisturbed.frame().paths)


def test_values_that_torch_refuses_are_refused_with_the_racers_place():
    with pytest.raises(ValueError, match=r"racers\.1\.optimizer: Nesterov momentum requires a momentum"):
        race([{"name": "Adam"}, {"name": "SGD", "nesterov": True}])


def test_a_start_where_the_surface_is_not_finite_is_refused():
    config = DescentConfig().model_copy(update={"start": (1e200, 0.0)})
    with pytest.raises(ValueError, match="start: expected a point where Rosenbrock is finite"):
        DescentEngine(config)


def test_unknown_requests_are_refused():
    with pytest.raises(ValueError, match="request: expected one that a race can answer, got 'snapshot'"):
        DescentEngine(DescentConfig()).answer("snapshot")


def test_the_contract_builds_and_steps_the_engine_in_slices():
    engine = contract.build("surface", DescentConfig(steps=40))
    records = []
    while not engine.done:
        records += contract.run_slice(engine, 0.005)
    assert [record.step for record in records] == list(range(1, 41))


def test_slices_take_the_steps_that_are_due_at_the_speed_of_the_screen_and_never_more():
    engine = DescentEngine(DescentConfig.parse({"steps": 1000, "speed": 100}))
    began = time.perf_counter()
    engine.run_slice(0.012)
    steps = [len(engine.run_slice(0.012)) for _ in range(15)]
    passed = time.perf_counter() - began
    assert 10 <= sum(steps) <= 100 * passed + 2
    engine.apply(DescentConfig.parse({"steps": 1000, "speed": 1}))
    assert sum(len(engine.run_slice(0.012)) for _ in range(5)) <= 2


@pytest.mark.parametrize("surface", list(SURFACES))
def test_every_surface_can_be_raced_on(surface):
    config = {
        "surface": {"name": surface},
        "steps": 30,
        "racers": [{"optimizer": {"name": "Adam", "lr": 0.01}}],
    }
    engine = DescentEngine(DescentConfig.parse(config))
    finish(engine)
    path, _, _ = plain_loop({"name": "Adam", "lr": 0.01}, 30, surface, SURFACES[surface].start)
    np.testing.assert_array_equal(engine.frame().paths[0], path)


def test_projected_descent_stays_in_the_set_and_ends_where_scipy_does():
    from scipy.optimize import minimize, rosen, rosen_der

    ball = {"name": "Ball", "center": [0.0, 0.0], "radius": 0.8}
    settings = {"start": [-1.5, 1.5], "constraint": ball, "steps": 20_000}
    engine = DescentEngine(
        DescentConfig.parse({**settings, "racers": [{"optimizer": {"name": "SGD", "lr": 1e-3}}]})
    )
    finish(engine)
    frame = engine.frame()
    assert np.linalg.norm(frame.paths, axis=-1).max() <= 0.8 + 1e-12
    inside = {"type": "ineq", "fun": lambda x: 0.64 - x @ x}
    best = minimize(rosen, [0.1, 0.1], jac=rosen_der, constraints=[inside], method="SLSQP", tol=1e-12)
    np.testing.assert_allclose(frame.heads[0], best.x, atol=1e-5)


def test_curvatures_travel_with_the_frame():
    engine = DescentEngine(
        DescentConfig.parse({"surface": {"name": "Quadratic", "condition": 50}, "steps": 3})
    )
    finish(engine)
    for curvature in engine.frame().curvatures:
        np.testing.assert_allclose(curvature.eigenvalues, [1, 50])
