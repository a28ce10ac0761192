"""The play head of a race, with a clock of the test's own."""

import pytest

from optgui.gui.playback import Playback


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def playback(qapp, clock):
    made = Playback(clock=clock)
    made.set_total(1000)
    made.set_available(1000)
    made.moves = []
    made.moved.connect(made.moves.append)
    yield made
    made.pause()


def run(playback, clock, seconds, tick=0.016):
    for _ in range(round(seconds / tick)):
        clock.now += tick
        playback.tick()


@pytest.mark.parametrize(("speed", "steps"), [(1.0, 50), (0.1, 5), (0.5, 25), (10.0, 500)])
def test_speed_one_is_fifty_steps_a_second(playback, clock, speed, steps):
    playback.speed = speed
    playback.play()
    run(playback, clock, 1.0, tick=1 / 64)
    assert playback.step == steps
    assert playback.moves[-1] == steps


def test_a_slow_head_says_nothing_between_two_steps(playback, clock):
    playback.speed = 0.1
    playback.play()
    run(playback, clock, 1.0, tick=1 / 64)
    assert playback.moves == [1, 2, 3, 4, 5]


def test_a_stall_is_not_caught_up(playback, clock):
    playback.play()
    clock.now += 60.0
    playback.tick()
    assert playback.step == 5


def test_waits_at_what_is_computed_and_does_not_burst_afterwards(playback, clock):
    playback.set_available(10)
    playback.play()
    run(playback, clock, 5.0)
    assert (playback.step, playback.playing) == (10, True)
    playback.set_available(1000)
    assert playback.step == 10
    clock.now += 1 / 32
    playback.tick()
    assert playback.step == 11


def test_stops_at_the_end_and_starts_over(playback, clock):
    playback.go(998)
    playback.play()
    run(playback, clock, 1.0)
    assert (playback.step, playback.playing) == (1000, False)
    playback.play()
    assert (playback.step, playback.playing) == (0, True)


def test_more_steps_let_an_ended_race_go_on(playback, clock):
    playback.go(1000)
    playback.set_total(2000)
    playback.set_available(2000)
    playback.play()
    run(playback, clock, 0.25, tick=1 / 64)
    assert playback.step == 1012


def test_a_race_computed_anew_keeps_the_head_where_it_was(playback):
    playback.go(700)
    playback.set_available(0)
    assert playback.step == 0
    playback.set_available(400)
    assert playback.step == 400
    playback.set_available(1000)
    assert playback.step == 700


def test_a_race_computed_anew_while_playing_keeps_the_head_where_it_was(playback, clock):
    playback.go(700)
    playback.play()
    playback.set_available(0)
    run(playback, clock, 0.1)
    playback.set_available(1000)
    assert (playback.step, playback.playing) == (700, True)


def test_steps_by_hand_stay_in_the_race(playback):
    playback.set_available(3)
    for step in (1, 2, 3, 3):
        playback.forward()
        assert playback.step == step
    playback.back(2)
    assert playback.step == 1
    playback.back(5)
    assert playback.step == 0
    playback.go(2)
    playback.rewind()
    assert playback.moves[-1] == 0


def test_a_shorter_race_brings_the_head_back(playback):
    playback.go(900)
    playback.set_total(100)
    playback.set_available(100)
    assert playback.step == 100


def test_held_by_hand_it_stands_still_and_goes_on_without_a_jump(playback, clock):
    playback.play()
    playback.hold(True)
    run(playback, clock, 3.0)
    assert (playback.step, playback.playing) == (0, True)
    playback.hold(False)
    clock.now += 1 / 32
    playback.tick()
    assert playback.step == 1


def test_reset_stops_and_forgets_what_was_computed(playback):
    playback.speed = 4.0
    playback.go(500)
    playback.play()
    playback.reset()
    assert (playback.step, playback.available, playback.playing) == (0, 0, False)
    assert (playback.total, playback.speed) == (1000, 4.0)
    playback.set_available(1000)
    assert playback.step == 0


def test_every_change_of_state_is_told_once(playback):
    told = []
    playback.state_changed.connect(lambda: told.append(playback.playing))
    playback.play()
    playback.play()
    playback.toggle()
    playback.pause()
    assert told == [True, False]
    playback.speed = 1000.0
    assert playback.speed == 100.0
    playback.speed = 100.0
    assert len(told) == 3


def test_the_timer_ticks_by_itself(playback, clock, qtbot):
    clock.now = 1.0
    playback.play()
    clock.now = 1.05
    with qtbot.waitSignal(playback.moved, timeout=2000) as caught:
        pass
    assert caught.args == [2]
