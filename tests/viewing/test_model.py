"""Random catalogues and evenings of a viewer: the service shows what the model shows."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from resume_service.auth.identity import Identity
from resume_service.catalogue.facts_cache import FactsCache
from resume_service.clock import epoch_ms
from resume_service.errors import NotFound
from resume_service.redis.operation import run
from resume_service.resume.model import EventType, Mark, Measurement
from resume_service.resume.store import ResumeStore
from resume_service.viewing.continue_watching import ContinueWatching
from resume_service.viewing.next_up import NextUp
from resume_service.viewing.series_marks import SeriesMarks
from tests.support.viewing_client import LENGTH, ViewingClient
from tests.support.viewing_model import MARKS, Event, Model, Video

STEPS = 20
PERCENTS = [0, 5, 50, 89.99, 90, 100, 100, 100]
HOUR_MS = 3_600_000


class Evening:
    """A service and its model, with the same random events."""

    def __init__(self, number: int, viewer: ViewingClient, other_company: int) -> None:
        self.chance = random.Random(number)
        self.viewer = viewer
        self.owners = [viewer.company.id, viewer.company.id, None, other_company]
        self.series = [number * 10 + offset for offset in range(3)]
        self.user = Identity(f"viewer-{number}", corporation_id=viewer.company.id)
        self.model = Model(viewer.company.id)
        services = viewer.http.application.extensions["resume_service"]
        self.points, self.cache = services.get(ResumeStore), services.get(FactsCache)
        self.marks, self.begun = services.get(SeriesMarks), services.get(ContinueWatching)
        self.next = services.get(NextUp)
        self.has_expired = False
        for _ in range(self.chance.randrange(3, 16)):
            self.add_video()

    @property
    def now_ms(self) -> int:
        return epoch_ms(self.viewer.clock.now)

    def step(self) -> None:
        self.viewer.pass_time(minutes=1)
        steps: list[Callable[[], Any]] = [self.save] * 8 + [self.mark] * 4 + [self.delete]
        steps += [self.mark_series] * 2 + [self.change_video] * 3 + [self.add_video]
        steps += [self.viewer.flush, self.expire]
        self.chance.choice(steps)()

    def add_video(self) -> None:
        chance = self.chance
        fields = {
            "owner": chance.choice(self.owners),
            "series": chance.choice([*self.series, None]),
            "season": chance.choice([0, 1, 1, 2, None]),
            "episode": chance.choice([1, 2, 3, 5, 10, None]),
        }
        label = f"video {len(self.viewer.ids)}"
        self.viewer.add(
            label,
            company=fields["owner"],
            series=fields["series"],
            season_number=fields["season"],
            episode_number=fields["episode"],
        )
        self.cache.on_added()
        number = self.viewer.ids[label]
        self.model.videos[number] = Video(number, **fields)

    def change_video(self) -> None:
        video = self.chance.choice([*self.model.videos.values()])
        name = self.chance.choice(["published", "deleted", "deleted", "series", "episode"])
        if name in ("published", "deleted"):
            value = not getattr(video, name)
        elif name == "series":
            value = self.chance.choice(self.series)
        else:
            value = self.chance.choice([1, 2, 4, 11])
        setattr(video, name, value)
        column = {"deleted": "deleted_at", "series": "series_id", "episode": "episode_number"}
        stored = (self.viewer.clock.now if value else None) if name == "deleted" else value
        label = self.viewer.labels[video.id]
        self.viewer.change(label, **{column.get(name, name): stored})

    def save(self) -> None:
        video, age_ms = self.chance.choice([*self.model.videos.values()]), self.age()
        percent = self.chance.choice(PERCENTS)
        position = percent * LENGTH / 100
        event = Measurement(
            self.user.user_id, str(video.id), self.now_ms, position, LENGTH, age_ms=age_ms
        )
        run(self.points.save(event))
        video.events.append(Event(self.now_ms - age_ms, EventType.SAVE, percent))

    def mark(self) -> None:
        self._mark(self.chance.choice(MARKS))

    def delete(self) -> None:
        self._mark(EventType.DELETE)

    def _mark(self, kind: EventType) -> None:
        video, age_ms = self.chance.choice([*self.model.videos.values()]), self.age()
        mark = Mark(self.user.user_id, str(video.id), self.now_ms, kind, age_ms)
        run(self.points.delete(mark) if kind is EventType.DELETE else self.points.mark(mark))
        video.events.append(Event(self.now_ms - age_ms, kind))

    def mark_series(self) -> None:
        series, mark = self.chance.choice(self.series), self.chance.choice(MARKS)
        try:
            changed = run(self.marks.apply(self.user, series, mark, self.now_ms))
        except NotFound:
            changed = None
        assert changed == self.model.mark_series(series, mark, self.now_ms)

    def expire(self) -> None:
        self.viewer.expire()
        self.model.expire()
        self.has_expired = True

    def age(self) -> int:
        return self.chance.choice([0, 0, 0, self.chance.randrange(HOUR_MS), 60_000, 120_000])

    def check(self) -> None:
        items = run(self.next.items(self.user, 100))
        found = [(item.video.id, item.after and item.after.id) for item in items]
        assert found == self.model.next_up()
        if self.has_expired:  # until a flush, `continue` lacks what only the archive knows
            self.viewer.flush()
        page = run(self.begun.page(self.user, 100, None))
        shown = [int(item.point.video_id) for item in page.items]
        assert shown == self.model.continuing(self.in_redis())

    def in_redis(self) -> set[int]:
        """The videos of which Redis has the point, and not only marks or nothing."""
        key = f"resume:{self.user.user_id}"
        redis, known = self.viewer.redis, self.model.videos
        return {number for number in known if redis.hexists(f"{key}:{number}", "currentTime")}


@pytest.mark.soak
def test_random_evenings_show_what_the_model_shows(viewer, umbra, effort):
    for number in range(effort(50, 2000)):
        evening = Evening(number, viewer, umbra.id)
        for step in range(STEPS):
            evening.step()
            if step % 4 == 3:
                try:
                    evening.check()
                except AssertionError as difference:
                    raise AssertionError(f"evening {number}, step {step}") from difference
