"""Simulated viewers for locust, each with its own token.

A viewer reads its position, and then its player saves every few seconds. Sometimes the viewer
pauses, seeks, leaves and returns, lists its points, or deletes one. A failure is an unexpected
status, or a position other than the last one that the service acknowledged.

Each API has its viewers. Those of `/videos` and `/api/v1/playback` need films in the service's
catalogue. If the catalogue has none of FILMS, they save through `/api/progress`.

JWT_SECRET signs the tokens. RESUME_TOKEN, a token with the role `service`, can replace it. The
saved points stay until they expire.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
import uuid
from http import HTTPStatus
from typing import Any, ClassVar

import gevent
import jwt
import requests
from gevent.event import Event
from gevent.lock import RLock
from locust import FastHttpUser, between, events, task
from locust.env import Environment

SAVE = "/api/progress"
LIST = "/api/progress/<clerkId>"
POINT = "/api/progress/<clerkId>/<tmdbId>"
RATE = "/videos/<video_id>/progress"
PLAYBACK = "/api/v1/playback/<kind>/<id>"
EVENTS = "/api/progress/events"

FILMS = {str(number): float(random.randint(1200, 9000)) for number in range(1, 51)}
"""Video id -> duration in seconds."""
TOKEN_SECONDS = 24 * 60 * 60


class Viewer(FastHttpUser):
    weight = 2
    wait_time = between(4, 6)  # players save about every five seconds

    def on_start(self) -> None:
        self.user_id = f"load-{uuid.uuid4().hex}"
        self.headers = {"Authorization": f"Bearer {_token(self.user_id)}"}
        self.acknowledged: dict[str, float] = {}
        self.uncertain: set[str] = set()
        """Videos with a failed last save. The service may have applied it."""
        self.films = self.known_films()
        self.open_a_film()

    def known_films(self) -> list[str]:
        """The films that this viewer can watch."""
        return list(FILMS)

    def open_a_film(self) -> None:
        """Choose a film and continue at its stored position."""
        self.film = random.choice(self.films)
        self.position = self.stored_position()
        self.measured = time.monotonic()

    @task(20)
    def play(self) -> None:
        now = time.monotonic()
        self.position = min(self.position + now - self.measured, FILMS[self.film])
        self.measured = now
        self.save()
        if self.position >= FILMS[self.film]:
            self.open_a_film()

    @task(3)
    def pause(self) -> None:
        self.play()
        self.away(5, 15)
        self.save()

    @task(3)
    def seek(self) -> None:
        self.position = random.choice(
            [max(0.0, self.position - 10), random.uniform(0, FILMS[self.film])]
        )
        self.save()

    @task(2)
    def stop_and_come_back(self) -> None:
        self.play()
        self.away(3, 20)
        self.position = self.stored_position()

    @task(1)
    def look_at_the_list(self) -> None:
        with self.request("GET", f"{SAVE}/{self.user_id}", LIST) as response:
            if response.status_code != HTTPStatus.OK:
                response.failure(f"status {response.status_code}")
                return
            listed = {point["tmdbId"]: self.listed_place(point) for point in response.json()}
            for film in self.uncertain:
                listed.pop(film, None)
            if listed != self.acknowledged:
                response.failure("the list differs from what was acknowledged")
        self.away(1, 5)
        self.open_a_film()

    @task(1)
    def forget(self) -> None:
        expected = {
            HTTPStatus.NO_CONTENT if self.film in self.acknowledged else HTTPStatus.NOT_FOUND
        }
        if self.film in self.uncertain:
            expected = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
        with self.request("DELETE", f"{SAVE}/{self.user_id}/{self.film}", POINT) as response:
            if response.status_code in expected:
                response.success()
                self.acknowledged.pop(self.film, None)
                self.uncertain.discard(self.film)
            else:
                response.failure(f"status {response.status_code}")
                self.mark_uncertain()
        self.stored_position()
        self.open_a_film()

    def listed_place(self, point: dict[str, Any]) -> float | None:
        """The value of a listed point that `acknowledged` should have."""
        place: float = point["currentTime"]
        return place

    def away(self, least: float, most: float) -> None:
        """Sleep for `least` to `most` seconds. The film is paused, and nothing is saved."""
        gevent.sleep(random.uniform(least, most))
        self.measured = time.monotonic()

    def save(self) -> None:
        position = round(self.position, 3)
        body = {
            "clerkId": self.user_id,
            "tmdbId": self.film,
            "currentTime": position,
            "duration": FILMS[self.film],
        }
        with self.request("POST", SAVE, SAVE, json=body) as response:
            if (
                response.status_code == HTTPStatus.NO_CONTENT
                and response.headers.get("Resume-Applied") == "true"
            ):
                self.acknowledged[self.film] = position
                self.uncertain.discard(self.film)
            else:
                response.failure(f"status {response.status_code}, or not applied")
                self.mark_uncertain()

    def stored_position(self) -> float:
        """Read the position in seconds. Fails if it is not the last acknowledged one."""
        expected = self.acknowledged.get(self.film)
        with self.request("GET", f"{SAVE}/{self.user_id}/{self.film}", POINT) as response:
            if response.status_code == HTTPStatus.NOT_FOUND:
                response.success()
                place = None
            elif response.status_code == HTTPStatus.OK:
                place = response.json()["currentTime"]
            else:
                response.failure(f"status {response.status_code}")
                return expected or 0.0
            if place != expected and self.film not in self.uncertain:
                response.failure("a place other than the last acknowledged")
            return float(place or 0.0)

    def mark_uncertain(self) -> None:
        self.acknowledged.pop(self.film, None)
        self.uncertain.add(self.film)

    def request(self, method: str, path: str, name: str, **options: Any) -> Any:
        return self.client.request(
            method, path, name=name, headers=self.headers, catch_response=True, **options
        )


class CatalogueViewer(Viewer):
    """A viewer of another API, which watches only the FILMS in the catalogue."""

    abstract = True
    weight = 1
    paths: ClassVar[dict[str, str]]
    """Film -> path of its progress. Empty if the catalogue has no film. Each class has its own."""
    search_lock: ClassVar[RLock]
    has_searched: ClassVar[bool]
    route: ClassVar[str]
    path_patterns: ClassVar[tuple[str, ...]]
    """Possible paths of the progress of a film {}."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.paths, cls.search_lock, cls.has_searched = {}, RLock(), False

    def known_films(self) -> list[str]:
        with self.search_lock:
            if not self.has_searched:
                for film in FILMS:
                    self.search(film)
                type(self).has_searched = True
        return list(self.paths or FILMS)

    def search(self, film: str) -> None:
        for path in (pattern.format(film) for pattern in self.path_patterns):
            with self.request("GET", path, self.route) as response:
                if response.status_code == HTTPStatus.OK:
                    self.paths[film] = path
                    return
                if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
                    response.success()
                else:
                    response.failure(f"status {response.status_code}")

    def save(self) -> None:
        if not self.paths:
            super().save()
            return
        body, place = self.save_body()
        path = self.paths[self.film]
        with self.request("POST", path, self.route, json=body) as response:
            if (
                response.status_code == HTTPStatus.OK
                and self.returned_place(response.json()) == place
            ):
                self.acknowledged[self.film] = place
                self.uncertain.discard(self.film)
            else:
                response.failure(f"status {response.status_code}, or another place")
                self.mark_uncertain()

    def stored_position(self) -> float:
        if not self.paths:
            return super().stored_position()
        expected = self.acknowledged.get(self.film)
        with self.request("GET", self.paths[self.film], self.route) as response:
            if response.status_code != HTTPStatus.OK:
                response.failure(f"status {response.status_code}")
                return self.seconds(expected or 0.0)
            progress = response.json()
            place = self.returned_place(progress) if progress.get("last_watched_at") else None
            if place != expected and self.film not in self.uncertain:
                response.failure("a place other than the last acknowledged")
            return self.seconds(place or 0.0)

    def save_body(self) -> tuple[dict[str, int], float]:
        """The body of a save, and the place in it: seconds or percent, depending on the API."""
        raise NotImplementedError

    def returned_place(self, progress: dict[str, Any]) -> float:
        """The place in a response."""
        raise NotImplementedError

    def seconds(self, place: float) -> float:
        """The position in seconds of a place."""
        return place


class RateViewer(CatalogueViewer):
    route = RATE
    path_patterns = ("/videos/{}/progress",)

    def save_body(self) -> tuple[dict[str, int], float]:
        rate = min(100, int(100 * self.position / FILMS[self.film]))
        return {"progress_rate": rate}, rate

    def returned_place(self, progress: dict[str, Any]) -> float:
        rate: float = progress["progress_rate"]
        return rate

    def seconds(self, place: float) -> float:
        return place * FILMS[self.film] / 100

    def listed_place(self, point: dict[str, Any]) -> float | None:
        return point.get("percent") if self.paths else super().listed_place(point)


class PlaybackViewer(CatalogueViewer):
    route = PLAYBACK
    path_patterns = ("/api/v1/playback/movie/{}", "/api/v1/playback/episode/{}")

    def save_body(self) -> tuple[dict[str, int], float]:
        position = int(self.position)
        duration = int(FILMS[self.film])
        return {"position_seconds": position, "duration_seconds": duration}, position

    def returned_place(self, progress: dict[str, Any]) -> float:
        position: float = progress["position_seconds"]
        return position


class Listener(Viewer):
    """A viewer with a second device, which must receive an event of each acknowledged save.

    The statistics have the time from the response of the save to its event, as `EVENT`. A save while
    the second device connects again is not in them.
    """

    weight = 1
    EVENT_SECONDS = 2.0
    """A video has one event a second, and the machine may be busy."""

    def on_start(self) -> None:
        self.received: dict[str, float] = {}
        """The position of each video, as the other device knows it."""
        self.is_connected = False
        """Whether the other device has received `points` on its connection."""
        self.has_changed = Event()
        super().on_start()
        self.listening = gevent.spawn(self.listen)

    def on_stop(self) -> None:
        self.listening.kill()

    def listen(self) -> None:
        """Read the stream. Connect again after `bye` or a lost connection."""
        while True:
            with contextlib.suppress(requests.RequestException):
                self.read_stream()
            self.is_connected = False
            self.has_changed.set()
            gevent.sleep(random.uniform(1, 5))

    def read_stream(self) -> None:
        # Not with `self.client`: the duration of a stream is no response time.
        address = f"{self.host}{EVENTS}?userId={self.user_id}"
        with requests.get(address, headers=self.headers, stream=True, timeout=60) as response:
            name = ""
            for line in response.iter_lines(chunk_size=1, decode_unicode=True):
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    self.receive(name, json.loads(value))

    def receive(self, name: str, data: Any) -> None:
        if name == "points":
            self.received = {point["tmdbId"]: point["currentTime"] for point in data}
            self.is_connected = True
        elif name == "point":
            self.received[data["tmdbId"]] = data["currentTime"]
        elif name == "gone":
            self.received.pop(data["tmdbId"], None)
        self.has_changed.set()

    def save(self) -> None:
        super().save()
        expected = self.acknowledged.get(self.film)
        if expected is None:
            return
        started = time.perf_counter()
        deadline = started + self.EVENT_SECONDS
        while self.is_connected and self.received.get(self.film) != expected:
            self.has_changed.clear()
            if not self.has_changed.wait(deadline - time.perf_counter()):
                break
        if not self.is_connected:
            return
        is_received = self.received.get(self.film) == expected
        self.environment.events.request.fire(
            request_type="EVENT",
            name=EVENTS,
            response_time=1000 * (time.perf_counter() - started),
            response_length=0,
            exception=None if is_received else TimeoutError("the other device has no event of it"),
            context={},
        )


def _token(user_id: str) -> str:
    if token := os.environ.get("RESUME_TOKEN"):
        return token
    claims = {"sub": user_id, "exp": int(time.time()) + TOKEN_SECONDS}
    return jwt.encode(claims, os.environ["JWT_SECRET"], "HS256")


@events.quitting.add_listener
def fail_without_requests(environment: Environment, **_: object) -> None:
    if environment.stats.total.num_requests == 0:
        environment.process_exit_code = 1
