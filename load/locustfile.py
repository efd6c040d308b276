"""Viewers as they behave, each with a token of its own.

A viewer asks where to go on, then its player reports every few seconds; now and then it pauses,
seeks, leaves and comes back, looks at its list, or forgets a video. A place other than the one the
service last acknowledged counts as a failure, as does any unexpected status.

There are viewers of each API. Those of `/videos` and `/api/v1/playback` watch what of the films the
service knows; where its catalogue has none of them, they save by `/api/progress` as the others do.

JWT_SECRET signs the tokens; RESUME_TOKEN, a token of role `service`, may stand in for it. What is
saved stays, as it would for real viewers, until it expires.
"""

from __future__ import annotations

import os
import random
import time
import uuid
from http import HTTPStatus
from typing import Any, ClassVar

import gevent
import jwt
from gevent.lock import RLock
from locust import FastHttpUser, between, events, task
from locust.env import Environment

SAVE = "/api/progress"
LIST = "/api/progress/<clerkId>"
POINT = "/api/progress/<clerkId>/<tmdbId>"
RATE = "/videos/<video_id>/progress"
PLAYBACK = "/api/v1/playback/<kind>/<id>"

FILMS = {str(number): float(random.randint(1200, 9000)) for number in range(1, 51)}
"""Video id -> seconds."""
TOKEN_SECONDS = 24 * 60 * 60


class Viewer(FastHttpUser):
    weight = 2
    wait_time = between(4, 6)  # what players do: a report about every five seconds

    def on_start(self) -> None:
        self.user_id = f"load-{uuid.uuid4().hex}"
        self.headers = {"Authorization": f"Bearer {_token(self.user_id)}"}
        self.acknowledged: dict[str, float] = {}
        self.uncertain: set[str] = set()
        """Videos whose last save failed: it may have been applied all the same."""
        self.films = self.known_films()
        self.open_a_film()

    def known_films(self) -> list[str]:
        """What there is to watch."""
        return list(FILMS)

    def open_a_film(self) -> None:
        """Choose a film and go on where it was left."""
        self.film = random.choice(self.films)
        self.position = self.place()
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
        self.position = self.place()

    @task(1)
    def look_at_the_list(self) -> None:
        with self.request("GET", f"{SAVE}/{self.user_id}", LIST) as answer:
            if answer.status_code != HTTPStatus.OK:
                answer.failure(f"status {answer.status_code}")
                return
            listed = {point["tmdbId"]: self.told(point) for point in answer.json()}
            for film in self.uncertain:
                listed.pop(film, None)
            if listed != self.acknowledged:
                answer.failure("the list differs from what was acknowledged")
        self.away(1, 5)
        self.open_a_film()

    @task(1)
    def forget(self) -> None:
        expected = {
            HTTPStatus.NO_CONTENT if self.film in self.acknowledged else HTTPStatus.NOT_FOUND
        }
        if self.film in self.uncertain:
            expected = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
        with self.request("DELETE", f"{SAVE}/{self.user_id}/{self.film}", POINT) as answer:
            if answer.status_code in expected:
                answer.success()
                self.acknowledged.pop(self.film, None)
                self.uncertain.discard(self.film)
            else:
                answer.failure(f"status {answer.status_code}")
                self.doubt()
        self.place()
        self.open_a_film()

    def told(self, point: dict[str, Any]) -> float | None:
        """Of a listed point what `acknowledged` holds."""
        place: float = point["currentTime"]
        return place

    def away(self, least: float, most: float) -> None:
        """Seconds without a report, in which the film stands still."""
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
        with self.request("POST", SAVE, SAVE, json=body) as answer:
            if (
                answer.status_code == HTTPStatus.NO_CONTENT
                and answer.headers.get("Resume-Applied") == "true"
            ):
                self.acknowledged[self.film] = position
                self.uncertain.discard(self.film)
            else:
                answer.failure(f"status {answer.status_code}, or not applied")
                self.doubt()

    def place(self) -> float:
        """Where the service says to go on, seconds; checked against the last acknowledged save."""
        expected = self.acknowledged.get(self.film)
        with self.request("GET", f"{SAVE}/{self.user_id}/{self.film}", POINT) as answer:
            if answer.status_code == HTTPStatus.NOT_FOUND:
                answer.success()
                place = None
            elif answer.status_code == HTTPStatus.OK:
                place = answer.json()["currentTime"]
            else:
                answer.failure(f"status {answer.status_code}")
                return expected or 0.0
            if place != expected and self.film not in self.uncertain:
                answer.failure("a place other than the last acknowledged")
            return float(place or 0.0)

    def doubt(self) -> None:
        self.acknowledged.pop(self.film, None)
        self.uncertain.add(self.film)

    def request(self, method: str, path: str, name: str, **given: Any) -> Any:
        return self.client.request(
            method, path, name=name, headers=self.headers, catch_response=True, **given
        )


class CatalogueViewer(Viewer):
    """One who saves by another API what the catalogue knows of FILMS."""

    abstract = True
    weight = 1
    paths: ClassVar[dict[str, str]]
    """Film -> where its progress is; empty where the catalogue knows none. Of each class its own."""
    looking: ClassVar[RLock]
    has_looked: ClassVar[bool]
    route: ClassVar[str]
    ways: ClassVar[tuple[str, ...]]
    """Where progress may be, of a film {}."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.paths, cls.looking, cls.has_looked = {}, RLock(), False

    def known_films(self) -> list[str]:
        with self.looking:
            if not self.has_looked:
                for film in FILMS:
                    self.look_for(film)
                type(self).has_looked = True
        return list(self.paths or FILMS)

    def look_for(self, film: str) -> None:
        for path in (way.format(film) for way in self.ways):
            with self.request("GET", path, self.route) as answer:
                if answer.status_code == HTTPStatus.OK:
                    self.paths[film] = path
                    return
                if answer.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
                    answer.success()
                else:
                    answer.failure(f"status {answer.status_code}")

    def save(self) -> None:
        if not self.paths:
            super().save()
            return
        body, place = self.words()
        path = self.paths[self.film]
        with self.request("POST", path, self.route, json=body) as answer:
            if answer.status_code == HTTPStatus.OK and self.shown(answer.json()) == place:
                self.acknowledged[self.film] = place
                self.uncertain.discard(self.film)
            else:
                answer.failure(f"status {answer.status_code}, or another place")
                self.doubt()

    def place(self) -> float:
        if not self.paths:
            return super().place()
        expected = self.acknowledged.get(self.film)
        with self.request("GET", self.paths[self.film], self.route) as answer:
            if answer.status_code != HTTPStatus.OK:
                answer.failure(f"status {answer.status_code}")
                return self.seconds(expected or 0.0)
            progress = answer.json()
            place = self.shown(progress) if progress.get("last_watched_at") else None
            if place != expected and self.film not in self.uncertain:
                answer.failure("a place other than the last acknowledged")
            return self.seconds(place or 0.0)

    def words(self) -> tuple[dict[str, int], float]:
        """The body of a save, and the place that it acknowledges."""
        raise NotImplementedError

    def shown(self, progress: dict[str, Any]) -> float:
        """The place in an answer."""
        raise NotImplementedError

    def seconds(self, place: float) -> float:
        """Where in the film that place is."""
        return place


class RateViewer(CatalogueViewer):
    route = RATE
    ways = ("/videos/{}/progress",)

    def words(self) -> tuple[dict[str, int], float]:
        rate = min(100, int(100 * self.position / FILMS[self.film]))
        return {"progress_rate": rate}, rate

    def shown(self, progress: dict[str, Any]) -> float:
        rate: float = progress["progress_rate"]
        return rate

    def seconds(self, place: float) -> float:
        return place * FILMS[self.film] / 100

    def told(self, point: dict[str, Any]) -> float | None:
        return point.get("percent") if self.paths else super().told(point)


class PlaybackViewer(CatalogueViewer):
    route = PLAYBACK
    ways = ("/api/v1/playback/movie/{}", "/api/v1/playback/episode/{}")

    def words(self) -> tuple[dict[str, int], float]:
        position = int(self.position)
        duration = int(FILMS[self.film])
        return {"position_seconds": position, "duration_seconds": duration}, position

    def shown(self, progress: dict[str, Any]) -> float:
        position: float = progress["position_seconds"]
        return position


def _token(user_id: str) -> str:
    if given := os.environ.get("RESUME_TOKEN"):
        return given
    claims = {"sub": user_id, "exp": int(time.time()) + TOKEN_SECONDS}
    return jwt.encode(claims, os.environ["JWT_SECRET"], "HS256")


@events.quitting.add_listener
def fail_when_nothing_was_asked(environment: Environment, **_: object) -> None:
    if environment.stats.total.num_requests == 0:
        environment.process_exit_code = 1
