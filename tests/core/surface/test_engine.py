"""The race: equal to plain torch.optim loops, cut where it diverges, edited while it runs."""

import numpy as np
import pytest
import torch

from optgui.core import engine as contract
from optgui.core.engine import RunFailed
from optgui.core.surface import SURFACES, DescentConfig, DescentEngine, DescentOptimizer, DescentRecord
from optgui.core.surface.frame import FindStationary

OFFERED = [
    name
    for name in DescentOptimizer.registry
    if hasattr(torch.optim, name) and not DescentOptimizer.refusal(name)
]
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


@pytest.mark.parametrize("name", OFFERED)
@pytest.mark.parametrize("surface", ["Quadratic", "Rosenbrock", "Himmelblau", "Ackley"])
def test_every_optimizer_equals_a_plain_torch_loop(name, surface):
    optimizer = settings_of(name)
    engine = race([optimizer], steps=200, surface=surface)
    finish(engine)
    foreach = {} if name == "LBFGS" else {"foreach": False}
    path, losses, gradients = plain_loop({**optimizer, **foreach}, 200, surface, SURFACES[surface].start)
    frame = engine.frame()
    assert not np.array_equal(path[0], path[-1])
    np.testing.assert_allclose(frame.paths[0], path, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(frame.losses[0], losses, rtol=1e-10, atol=1e-20)
    np.testing.assert_allclose(frame.measures[0], np.linalg.norm(gradients, axis=1), rtol=1e-9, atol=1e-12)


def test_textbook_gradient_descent_on_a_quadratic_contracts_by_one_minus_rate_times_eigenvalue():
    surface = {"name": "Quadratic", "condition": 8, "angle": 0}
    engine = race([{"name": "SGD", "lr": 0.2}], surface=surface, start=[2, 1], steps=30)
    finish(engine)
    steps = np.arange(31)[:, None]
    np.testing.assert_allclose(engine.frame().paths[0], [2, 1] * np.array([0.8, -0.6]) ** steps, rtol=1e-12)


def test_racers_together_equal_each_racer_alone():
    racers = [settings_of(name, lr) for lr in (1e-3, 3e-3) for name in OFFERED][:24]
    together = race(racers, steps=120, surface="Beale")
    finish(together)
    frame = together.frame()
    for place, racer in enumerate(racers):
        alone = race([racer], steps=120, surface="Beale")
        finish(alone)
        np.testing.assert_allclose(frame.paths[place], alone.frame().paths[0], rtol=1e-12)
        np.testing.assert_allclose(frame.losses[place], alone.frame().losses[0], rtol=1e-11)


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
    np.testing.assert_array_equal(norms, frame.measures[:, 1:])
    assert {record.lrs for record in records} == {(0.001, 0.001, 0.05)}
    np.testing.assert_array_equal(frame.lrs, np.tile([[0.001], [0.001], [0.05]], 26))


def test_frame_has_the_documented_shapes_before_during_and_after():
    engine = DescentEngine(DescentConfig(steps=1200))
    for steps in (0, 1, 600, 1200):
        while engine.frame().step < steps:
            engine.step()
        frame = engine.frame()
        assert frame.paths.shape == (3, steps + 1, 2)
        assert frame.losses.shape == frame.measures.shape == frame.lrs.shape == (3, steps + 1)
        for name in ("gradients", "given", "raw", "momenta", "seconds", "scales"):
            assert getattr(frame, name).shape == (3, steps + 1, 2)
        np.testing.assert_array_equal(frame.raw, frame.paths)
        np.testing.assert_array_equal(frame.given, frame.gradients)
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
    names = ("paths", "losses", "measures", "momenta", "lrs")
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
    np.testing.assert_allclose(frame.paths[0, :step], theirs[:step], rtol=1e-10)
    np.testing.assert_array_equal(frame.paths[0, step:], np.tile(frame.paths[0, step - 1], (61 - step, 1)))
    np.testing.assert_array_equal(frame.losses[0, step:], frame.losses[0, step - 1])
    np.testing.assert_allclose(frame.paths[1], plain_loop({**calm, "foreach": False}, 60)[0], rtol=1e-11)
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
    "edit",
    [
        {"racers.0.optimizer.lr": 0.0003},
        {"racers.1.optimizer.momentum": 0.5},
        {"racers.2.optimizer": {"name": "RMSprop", "lr": 0.01}},
        {"surface": {"name": "Beale"}},
        {"start": [0.5, 0.5]},
        {"racers.0.scheduler": {"name": "ExponentialLR", "gamma": 0.99}},
        {"noise": {"name": "Gaussian", "sigma": 0.1}},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_an_edit_at_any_time_gives_the_race_of_the_edited_config_from_its_start(edit):
    engine = DescentEngine(DescentConfig(steps=40))
    for _ in range(15):
        engine.step()
    config = engine.config
    for path, value in edit.items():
        config = config.changed(path, value)
    engine.apply(config)
    assert engine.config == config
    finish(engine)
    fresh = DescentEngine(config)
    finish(fresh)
    np.testing.assert_array_equal(engine.frame().paths, fresh.frame().paths)
    unedited = DescentEngine(DescentConfig(steps=40))
    finish(unedited)
    assert not np.array_equal(fresh.frame().paths, unedited.frame().paths)


def test_visibility_may_be_edited_and_moves_nothing():
    engine = DescentEngine(DescentConfig(steps=10))
    engine.step()
    engine.apply(engine.config.changed("racers.1.visible", False))
    assert engine.status().done == 1
    finish(engine)
    straight = DescentEngine(DescentConfig(steps=10))
    finish(straight)
    np.testing.assert_array_equal(engine.frame().paths, straight.frame().paths)
    assert not engine.config.racers[1].visible


def test_a_refused_edit_changes_nothing_and_the_race_goes_on():
    settings = {"steps": 20, "racers": [{"optimizer": {"name": "SGD", "momentum": 0.9, "nesterov": True}}]}
    engine = DescentEngine(DescentConfig.parse(settings))
    for _ in range(6):
        engine.step()
    refused = engine.config.changed("racers.0.optimizer.momentum", 0.0)
    with pytest.raises(ValueError, match=r"racers\.0\.optimizer: Nesterov momentum requires a momentum"):
        engine.apply(refused)
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


def answered(engine, request):
    work = engine.answer(request)
    while True:
        try:
            assert 0 <= next(work) < 1
        except StopIteration as end:
            return end.value


def test_a_race_finds_all_stationary_points_of_its_surface():
    engine = DescentEngine(DescentConfig.parse({"surface": "Himmelblau"}))
    found = answered(engine, FindStationary(SURFACES["Himmelblau"].domain))
    assert sorted(at.kind for at in found) == ["maximum"] + ["minimum"] * 4 + ["saddle"] * 4


def test_the_stationary_points_of_a_double_well_are_two_minima_and_a_maximum_on_its_axis():
    engine = DescentEngine(DescentConfig.parse({"surface": "DoubleWell"}))
    found = answered(engine, FindStationary(SURFACES["DoubleWell"].domain))
    assert sorted(at.kind for at in found) == ["maximum", "minimum", "minimum"]
    assert all(at.point[1] == pytest.approx(0, abs=1e-12) for at in found)


def test_unknown_requests_are_refused():
    with pytest.raises(ValueError, match="request: expected FindStationary, got 'snapshot'"):
        DescentEngine(DescentConfig()).answer("snapshot")


def test_the_contract_builds_and_steps_the_engine_in_slices():
    engine = contract.build("surface", DescentConfig(steps=40))
    records = []
    while not engine.done:
        records += contract.run_slice(engine, 0.005)
    assert [record.step for record in records] == list(range(1, 41))


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
    if SURFACES[surface].feasible is None:
        np.testing.assert_allclose(engine.frame().paths[0], path, rtol=1e-11, atol=1e-13)


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


def test_raw_steps_lead_out_of_the_set_and_measures_vanish_at_the_constrained_minimum():
    settings = {
        "surface": {"name": "Quadratic", "condition": 4, "angle": 0},
        "start": [3, 3],
        "constraint": {"name": "Box", "low": [1.0, 1.0], "high": [4.0, 4.0]},
        "racers": [{"optimizer": {"name": "SGD", "lr": 0.1}}],
        "steps": 200,
    }
    engine = DescentEngine(DescentConfig.parse(settings))
    finish(engine)
    frame = engine.frame()
    x = frame.paths[0]
    np.testing.assert_array_equal(frame.raw[0, 1:], x[:-1] - 0.1 * x[:-1] * [1, 4])
    np.testing.assert_array_equal(x, np.clip(frame.raw[0], 1, 4))
    np.testing.assert_allclose(x[-1], [1, 1])
    assert frame.measures[0, -1] < 1e-12 < np.linalg.norm(frame.gradients[0, -1])
    mapped = x - np.clip(x - 0.1 * frame.gradients[0], 1, 4)
    np.testing.assert_allclose(frame.measures[0], np.linalg.norm(mapped, axis=1) / 0.1, rtol=1e-12)


INSEPARABLE = [[1, 1, 1], [1, 1, -1], [2, 0, 1], [0, 2, -1]]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"surface": {"name": "SVM", "points": INSEPARABLE}},
            "surface: expected a problem with a feasible point",
        ),
        (
            {"surface": "LinearProgram", "constraint": {"name": "Ball", "center": [900, 900]}},
            "constraint: expected a set that meets the problem's own",
        ),
    ],
)
def test_an_empty_feasible_set_is_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        DescentEngine(DescentConfig.parse(settings))


def test_schedules_multiply_the_rate_as_torch_does():
    racers = [
        {
            "optimizer": {"name": "SGD", "lr": 0.002},
            "scheduler": {"name": "StepLR", "step_size": 7, "gamma": 0.5},
        },
        {"optimizer": {"name": "Adam", "lr": 0.1}, "scheduler": {"name": "CosineAnnealingLR", "T_max": 30}},
        {"optimizer": {"name": "SGD", "lr": 0.001}},
    ]
    engine = DescentEngine(DescentConfig.parse({"racers": racers, "steps": 30}))
    finish(engine)
    frame = engine.frame()
    for place, (optimizer, make) in enumerate(
        [
            (lambda p: torch.optim.SGD(p, lr=0.002), lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.5)),
            (
                lambda p: torch.optim.Adam(p, lr=0.1),
                lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 30),
            ),
        ]
    ):
        point = torch.nn.Parameter(torch.tensor([-1.2, 1.0], dtype=torch.float64))
        theirs = optimizer([point])
        scheduler = make(theirs)
        path, lrs = [point.detach().clone()], []
        for _ in range(30):
            theirs.zero_grad()
            SURFACES["Rosenbrock"](point).backward()
            lrs.append(theirs.param_groups[0]["lr"])
            theirs.step()
            scheduler.step()
            path.append(point.detach().clone())
        np.testing.assert_allclose(frame.lrs[place, :30], lrs, rtol=1e-13)
        np.testing.assert_allclose(frame.paths[place], torch.stack(path).numpy(), rtol=1e-11)
    np.testing.assert_array_equal(frame.lrs[2], 0.001)


def test_a_plateau_schedule_looks_at_the_racers_own_loss():
    racers = [
        {"optimizer": {"name": "SGD", "lr": 0.01}, "scheduler": {"name": "ReduceLROnPlateau", "patience": 3}}
    ]
    bowl = {"name": "Quadratic", "condition": 200, "angle": 0}  # at lr 2 / λ it swings for ever
    settings = {"surface": bowl, "start": [1, 1], "racers": racers, "steps": 300}
    engine = DescentEngine(DescentConfig.parse(settings))
    finish(engine)
    point = torch.nn.Parameter(torch.tensor([1.0, 1.0], dtype=torch.float64))
    theirs = torch.optim.SGD([point], lr=0.01)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, patience=3)
    for _ in range(300):
        theirs.zero_grad()
        SURFACES["Quadratic"](point, bowl).backward()
        theirs.step()
        scheduler.step(SURFACES["Quadratic"](point, bowl).item())
    assert theirs.param_groups[0]["lr"] < 0.01
    np.testing.assert_allclose(engine.frame().lrs[0, -1], theirs.param_groups[0]["lr"], rtol=1e-6)


def test_gaussian_noise_is_seeded_shared_and_of_the_size_asked_for():
    settings = {
        "surface": {"name": "Quadratic", "condition": 4},
        "noise": {"name": "Gaussian", "sigma": 0.7},
        "racers": [{"optimizer": {"name": "SGD", "lr": 0.01}}, {"optimizer": {"name": "Adam", "lr": 0.01}}],
        "steps": 4000,
    }
    frames = []
    for seed in (3, 3, 4):
        engine = DescentEngine(DescentConfig.parse({**settings, "seed": seed}))
        finish(engine)
        frames.append(engine.frame())
    np.testing.assert_array_equal(frames[0].paths, frames[1].paths)
    assert not np.array_equal(frames[0].paths, frames[2].paths)
    noise = frames[0].given - frames[0].gradients
    np.testing.assert_allclose(noise[0], noise[1], atol=1e-12)
    assert abs(noise[0].std() - 0.7) < 0.03
    assert abs(noise[0].mean()) < 0.03


@pytest.mark.parametrize("sampling", ["replacement", "epochs"])
def test_mini_batches_estimate_the_gradient_without_bias(sampling):
    noise = {"name": "MiniBatch", "batch_size": 2, "sampling": sampling}
    settings = {"surface": {"name": "LinearRegression"}, "noise": noise, "steps": 3000}
    config = DescentConfig.parse({**settings, "racers": [{"optimizer": {"name": "SGD", "lr": 1e-9}}]})
    engine = DescentEngine(config)
    finish(engine)
    frame = engine.frame()
    spread = (frame.given - frame.gradients)[0].std(0)
    assert (spread > 0).all()
    mean = frame.given[0].mean(0)
    assert (np.abs(mean - frame.gradients[0, 0]) < 4 * spread / np.sqrt(3000) + 1e-6).all()


def test_a_batch_of_all_the_data_is_the_exact_gradient():
    noise = {"name": "MiniBatch", "batch_size": 10_000, "sampling": "epochs"}
    for surface in ("LinearRegression", "LogisticRegression", "Rosenbrock"):
        config = DescentConfig.parse({"surface": surface, "noise": noise, "steps": 20})
        engine = DescentEngine(config)
        finish(engine)
        frame = engine.frame()
        np.testing.assert_allclose(frame.given, frame.gradients, rtol=1e-10, atol=1e-12)


def test_a_function_of_x_alone_leaves_y_at_zero():
    engine = DescentEngine(DescentConfig.parse({"surface": "DoubleWell", "start": [1.7, 5.0], "steps": 50}))
    finish(engine)
    assert (engine.frame().paths[..., 1] == 0).all()
