import numpy as np
import pytest
import torch

from optgui.core.attack import METHODS, ShowFilm, film
from tests.core.attack.samples import digits, engine, run, settings_of

LAST_COUNTS = [name for name, entry in METHODS.items() if not entry.minimal and not name.startswith("APGD")]


def film_of(**settings):
    images, labels = digits(1)
    return engine(settings, images=images, labels=labels)


@pytest.mark.parametrize("method", LAST_COUNTS)
def test_its_pictures_are_the_frames_and_its_numbers_the_records(method):
    settings = settings_of(method, "L2", steps=7)
    attack, sliced = film_of(**settings), film_of(**settings)
    frames, records = [attack.frame()], []
    while not attack.done:
        records.append(attack.step())
        frames.append(attack.frame())
    while not sliced.done:
        sliced.run_slice(60)
    shown = sliced.answer(ShowFilm())
    assert shown.iterations.tolist() == list(range(len(frames)))
    for index, frame in enumerate(frames):
        np.testing.assert_allclose(shown.perturbations[index], frame.perturbation[0, 0], atol=1e-6)
        np.testing.assert_allclose(shown.probabilities[index], frame.probabilities[0], atol=1e-5)
        assert shown.fooled[index] == frame.success[0]
        assert shown.norms[index] == pytest.approx(frame.norms[0], abs=1e-5)
    np.testing.assert_allclose(shown.losses[1:], [record.loss for record in records], rtol=1e-5)
    lengths = [record.gradient_norm for record in records]
    np.testing.assert_allclose(shown.gradient_norms[1:], lengths, rtol=1e-5)


def test_a_part_of_it_may_be_asked_for_and_nothing_of_it_changes():
    attack = film_of(steps=6)
    run(attack)
    part = attack.answer(ShowFilm(since=4))
    assert part.iterations.tolist() == [4, 5, 6]
    assert len(attack.answer(ShowFilm(since=9)).losses) == 0
    assert not any(array.flags.writeable for array in part)
    kept = part.perturbations.copy()
    attack.apply(attack.config.changed("epsilon", 0.1))
    run(attack)
    np.testing.assert_array_equal(part.perturbations, kept)


def test_a_long_one_keeps_every_second_picture(monkeypatch):
    monkeypatch.setattr(film, "MOST", 10)
    attack = film_of(steps=50)
    run(attack)
    iterations = attack.answer(ShowFilm()).iterations
    assert len(iterations) <= 11
    assert np.unique(np.diff(iterations)).size == 1
    assert iterations[0] == 0


def test_several_images_have_none():
    attack = engine({"steps": 2})
    with pytest.raises(ValueError, match="film: expected an attack on one image, got one on 12"):
        attack.answer(ShowFilm())
    assert torch.is_grad_enabled()
