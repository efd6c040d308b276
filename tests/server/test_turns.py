"""One slow step runs in each iteration of the event loop."""

from __future__ import annotations

import gevent
import pytest

from resume_service.server.turns import Turns


@pytest.fixture
def iteration():
    """`iteration()` returns the number of the current iteration of the event loop."""
    number = 0

    def count():
        nonlocal number
        number += 1

    watcher = gevent.get_hub().loop.prepare()
    watcher.start(count)
    yield lambda: number
    watcher.stop()


@pytest.fixture
def turns():
    return Turns()


def run_loop_until(condition):
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0)


def test_each_iteration_runs_one_step(turns, iteration):
    seen = []
    for _ in range(5):
        turns.add(lambda: seen.append(iteration()), is_first_step=True)
        turns.add(lambda: seen.append(iteration()), is_first_step=False)

    run_loop_until(lambda: len(seen) == 10)

    assert len(set(seen)) == 10


def test_first_steps_and_further_steps_alternate_in_their_order(turns):
    seen = []
    for number in range(4):
        turns.add(lambda n=number: seen.append(f"further {n}"), is_first_step=False)
    for number in range(2):
        turns.add(lambda n=number: seen.append(f"first {n}"), is_first_step=True)

    run_loop_until(lambda: len(seen) == 6)

    assert [each for each in seen if "first" in each] == ["first 0", "first 1"]
    assert [each for each in seen if "further" in each] == [f"further {n}" for n in range(4)]
    assert {each.split()[0] for each in seen[:2]} == {"first", "further"}
    assert {each.split()[0] for each in seen[2:4]} == {"first", "further"}


def test_step_may_add_the_next_one(turns):
    seen = []

    def step():
        seen.append(len(seen))
        if len(seen) < 3:
            turns.add(step, is_first_step=True)

    turns.add(step, is_first_step=True)
    run_loop_until(lambda: len(seen) == 3)

    assert seen == [0, 1, 2]


def test_step_runs_after_the_callbacks_of_its_iteration_and_those_that_they_add(turns, iteration):
    """So a save that this iteration received is answered before the step."""
    seen = []
    loop = gevent.get_hub().loop

    def received():
        seen.append(("received", iteration()))
        loop.run_callback(lambda: seen.append(("sent", iteration())))

    event = loop.prepare()
    turns.add(lambda: seen.append(("step", iteration())), is_first_step=True)
    event.start(lambda: (event.stop(), loop.run_callback(received)))
    run_loop_until(lambda: len(seen) == 3)

    number = seen[0][1]
    assert seen == [("received", number), ("sent", number), ("step", number)]


def test_greenlets_wait_for_their_turns_and_a_killed_one_delays_no_other(turns, iteration):
    seen = []

    def wait(number):
        turns.wait(is_first_step=True)
        seen.append((number, iteration()))

    greenlets = [gevent.spawn(wait, number) for number in range(4)]
    gevent.sleep(0)
    greenlets[1].kill(block=False)
    gevent.joinall(greenlets, timeout=10)

    numbers, iterations = zip(*seen, strict=True)
    assert [each for each in numbers if each != 1] == [0, 2, 3]
    assert len(set(iterations)) == len(iterations)


def test_step_that_raises_delays_no_other(turns, capfd):
    seen = []
    turns.add(lambda: 1 // 0, is_first_step=True)
    turns.add(lambda: seen.append("next"), is_first_step=True)

    run_loop_until(lambda: seen)

    assert "ZeroDivisionError" in capfd.readouterr().err
