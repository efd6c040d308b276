"""The demo's viewings: what the first viewer of the first company has watched.

They show each case of the lists "continue watching" and "next up".
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy

from resume_service.catalogue.tables import videos
from resume_service.demo.catalogue import FOLDER
from resume_service.demo.titles import PUBLIC, STUDIOS
from resume_service.postgres.database import Database
from resume_service.redis.operation import run
from resume_service.resume.model import EventType, Mark, Measurement
from resume_service.resume.store import ResumeStore

MINUTE_MS = 60_000


class Viewing(NamedTuple):
    file: str
    """Name of the media file, in the demo's folder."""
    percent: float = 100


VIEWINGS = (
    # Next up is the first episode of the second season, not the special.
    Viewing("harbour-s1e1.webm"),
    Viewing("harbour-s1e2.webm"),
    Viewing("harbour-s1e3.webm"),
    # The third episode is missing. Next up is the fourth.
    Viewing("ferry-tales-s1e1.webm"),
    Viewing("ferry-tales-s1e2.webm"),
    # The second episode is to be continued. So the series has no next episode.
    Viewing("keepers-s1e1.webm"),
    Viewing("keepers-s1e2.webm", 40),
    # The series is at its end.
    Viewing("storm-watch-s1e1.webm"),
    Viewing("storm-watch-s1e2.webm"),
    # Dismissed: in neither list.
    Viewing("old-charts-s1e1.webm"),
    # Watched, and begun again: to be continued.
    Viewing("tides-s1e1.webm"),
    Viewing("tides-s1e2.webm"),
    Viewing("tides-s1e1.webm", 10),
    # A film of the company, a public video, and an unpublished film that is not shown.
    Viewing("long-ferry.webm", 80),
    Viewing("quay.webm", 30),
    Viewing("harbour-film.webm", 20),
    # Begun again at the start: the point has the previous position, too.
    Viewing("long-ferry.webm", 15),
    Viewing("quay.webm", 40),
)
"""The oldest comes first."""
DISMISSED = ("old-charts-s1e1.webm",)
SECONDS = {title.file: title.clip.seconds for title in (*STUDIOS[0].titles, *PUBLIC)}
"""The duration of each media file."""


def seed_viewings(
    points: ResumeStore, database: Database, user_id: str, company: int, now_ms: int
) -> int:
    """Save the viewings, unless the user has a point in Redis. Return the number of saved points.

    `now_ms` is the time of the call, ms since 1970. Raises Unavailable if a store does not answer.
    """
    if run(points.list(user_id, now_ms, limit=1)).items:
        return 0
    ids = _video_ids(database, company)
    saves = [
        Measurement(
            user_id,
            ids[viewing.file],
            now_ms,
            viewing.percent * SECONDS[viewing.file] / 100,
            SECONDS[viewing.file],
            age_ms=(len(VIEWINGS) - number) * MINUTE_MS,
        )
        for number, viewing in enumerate(VIEWINGS)
        if viewing.file in ids
    ]
    marks = [
        Mark(user_id, ids[file], now_ms, EventType.DISMISSED) for file in DISMISSED if file in ids
    ]
    results = run(points.batch([*saves, *marks]))
    if faults := [each for each in results if isinstance(each, Exception)]:
        raise faults[0]
    return len({save.video_id for save in saves})


def _video_ids(database: Database, company: int) -> dict[str, str]:
    """Return the video id of each file of the company's demo, and of the public demo."""
    is_own = sqlalchemy.or_(videos.c.corporation_id.is_(None), videos.c.corporation_id == company)
    query = sqlalchemy.select(videos.c.id, videos.c.file_path).where(
        is_own, videos.c.file_path.startswith(f"{FOLDER}/"), videos.c.deleted_at.is_(None)
    )
    prefix = f"{FOLDER}/"
    return {row.file_path.removeprefix(prefix): str(row.id) for row in database.rows(query)}
