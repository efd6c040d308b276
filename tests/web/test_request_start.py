"""The id and the start time of a request."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from resume_service.clock import (
    epoch_ms,
    from_epoch_ms,
    iso,
    iso_ms,
    millisecond_clock,
    system_clock,
)
from resume_service.web.lifecycle import begin
from resume_service.web.request_start import random_id


def test_random_ids_are_unique_in_all_threads():
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: random_id(), range(5000)))

    assert len(set(ids)) == 5000
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_a_forked_process_has_other_ids_than_its_parent():
    random_id()
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writable, random_id().encode())
        os._exit(0)
    os.waitpid(child, 0)

    theirs = os.read(readable, 32).decode()
    assert theirs not in [random_id() for _ in range(600)]


@pytest.mark.parametrize("given", ["a", "A-1_b.c", "x" * 64])
def test_a_valid_id_of_the_client_is_used(given):
    assert begin(given, lambda: 5).request_id == given


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, "a\n", "é"])
def test_any_other_id_is_replaced(given):
    start = begin(given, lambda: 5)

    assert re.fullmatch("[0-9a-f]{32}", start.request_id)
    assert start.arrived_ms == 5


@pytest.mark.parametrize(
    "ms", [0, 1, 999, 1000, 1_795_176_000_000, 1_795_176_000_999, -1, -62_135_596_800_000]
)
def test_text_of_milliseconds_equals_the_text_of_their_time(ms):
    assert iso_ms(ms) == iso(from_epoch_ms(ms))


def test_text_after_the_year_9999_is_an_overflow():
    with pytest.raises(OverflowError):
        iso_ms(253_402_300_800_000)


def test_milliseconds_of_a_clock_are_those_of_its_time():
    now = system_clock()

    assert millisecond_clock(lambda: now)() == epoch_ms(now)
    assert 0 <= millisecond_clock(system_clock)() - epoch_ms(now) < 60_000
