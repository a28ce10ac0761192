"""The film on screen: what it follows, where it waits, and what a hidden one does."""

import numpy as np
import pytest

from optgui.gui.attack.film.page import FilmPage, short
from tests.gui.attack.attacked import film

NAMES = tuple("0123456789")


@pytest.fixture
def page(qtbot):
    made = FilmPage()
    qtbot.addWidget(made)
    made.resize(700, 420)
    made.show()
    made.begin(np.zeros((28, 28), np.float32), 7, NAMES, 100)
    return made


def strip_of(page):
    return [caption for caption in page.strip._captions if caption]


def test_the_head_follows_the_newest_picture(page):
    page.extend(film(range(5)), 100)
    assert page.iteration == 4
    page.extend(film(range(5, 9)), 100)
    assert page.iteration == 8
    assert page.playback.total == 100


def test_a_head_that_was_taken_elsewhere_stays_there(page):
    page.extend(film(range(50)), 100)
    page.playback.go(10)
    page.extend(film(range(50, 90)), 100)
    assert page.iteration == 10
    page.playback.go(89)
    page.extend(film(range(90, 101)), 100)
    assert page.iteration == 100


def test_the_end_is_where_the_attack_ended(page):
    page.extend(film(range(50)), 100)
    page.end()
    assert page.playback.total == 49


def test_a_head_that_followed_goes_to_what_was_found(page):
    page.extend(film(range(50)), 100)
    page.end(np.full((28, 28), 20e-5, np.float32))
    assert page.iteration == 20
    page.extend(film(range(50, 60)), 100)  # the attack goes on
    assert page.iteration == 59


def test_a_head_that_was_taken_elsewhere_is_not_moved_by_the_end(page):
    page.extend(film(range(50)), 100)
    page.playback.go(10)
    page.end(np.full((28, 28), 20e-5, np.float32))
    assert page.iteration == 10


def test_the_strip_is_made_anew_a_few_times_a_second(qtbot, page, monkeypatch):
    made = []
    show = page.strip.show_digits
    monkeypatch.setattr(page.strip, "show_digits", lambda digits: (made.append(len(digits)), show(digits)))
    for start in range(0, 200, 2):
        page.extend(film(range(start, start + 2)), 200)
    assert len(made) <= 2
    qtbot.waitUntil(lambda: strip_of(page)[-1:] == ["199"], timeout=2000)


def test_a_picture_of_the_strip_is_gone_to(qtbot, page):
    page.extend(film(range(100)), 100)
    qtbot.waitUntil(lambda: strip_of(page)[-1:] == ["99"], timeout=2000)
    page.strip.chosen.emit(0)
    assert page.iteration == 0
    page.begin(np.zeros((28, 28), np.float32), 7, NAMES, 100)
    page.strip.chosen.emit(3)  # of the film that is gone
    assert page.iteration == -1


def test_another_film_shows_nothing_of_the_former(qtbot, page):
    page.extend(film(range(1000)), 1000)
    qtbot.waitUntil(lambda: strip_of(page)[-1:] == ["999"], timeout=2000)
    page.begin(np.zeros((28, 28), np.float32), 7, NAMES, 10)
    page.extend(film(range(3)), 10)
    assert page.iteration == 2
    qtbot.waitUntil(lambda: strip_of(page) == ["0", "1", "2"], timeout=2000)


def test_a_hidden_page_draws_nothing_and_catches_up(qtbot, page, monkeypatch):
    page.hide()
    monkeypatch.setattr(page.pictures, "show_attack", lambda *_: pytest.fail("drawn while hidden"))
    page.extend(film(range(50)), 100)
    monkeypatch.undo()
    assert page.iteration == -1
    page.show()
    assert page.iteration == 49
    assert strip_of(page)[-1] == "49"


def test_a_film_of_many_iterations_has_short_words_below_its_pictures(qtbot, page):
    page.extend(film(range(0, 12_001, 5)), 12_000)
    qtbot.waitUntil(lambda: strip_of(page)[-1:] == ["12k"], timeout=2000)
    room = page.strip.width() / page.strip.capacity()
    assert all(page.strip.fontMetrics().horizontalAdvance(words) < room for words in strip_of(page))
    assert "iteration 12,000: read as 0" in page.strip._tips


@pytest.mark.parametrize(
    ("iteration", "words"),
    [(0, "0"), (999, "999"), (1000, "1k"), (1234, "1.2k"), (9949, "9.9k"), (9960, "10k"), (20_000, "20k")],
)
def test_iterations_in_few_letters(iteration, words):
    assert short(iteration) == words


def test_a_digit_before_its_attack_stands_alone(page):
    page.show_digit(np.ones((28, 28), np.float32), 3, NAMES)
    assert page.pictures.original.accessibleDescription() == "true class: 3"
    assert page.playback.total == 0
