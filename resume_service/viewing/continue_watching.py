"""The list "continue watching": the videos that a viewer has begun and not finished."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from resume_service.auth.identity import Identity
from resume_service.catalogue.facts import VideoFacts
from resume_service.catalogue.facts_cache import FactsCache
from resume_service.clock import epoch_ms
from resume_service.errors import Unavailable
from resume_service.ids import row_id
from resume_service.paging import Cursor, CursorPage
from resume_service.redis.keys import escaped
from resume_service.redis.operation import Blocking, Operation
from resume_service.resume.model import ResumePoint
from resume_service.resume.point_scan import PointScan

SURPLUS = 20
"""Number of points that the first read of a page reads in addition to two pages.

Of several episodes of a series, the page has only one. So it needs more points than items.
"""
MOST_FACTS = 100
"""Maximum number of videos of which one step needs the facts."""


class BegunVideo(NamedTuple):
    """An item of the list."""

    video: VideoFacts
    point: ResumePoint


class ContinueWatching:
    """Reads the points from Redis, and the facts of the videos from the cache of this process."""

    def __init__(self, points: PointScan, videos: FactsCache) -> None:
        self._points = points
        self._videos = videos

    def page(
        self, viewer: Identity, limit: int, after: Cursor | None
    ) -> Operation[CursorPage[BegunVideo]]:
        """Return at most `limit` items after the cursor. The newest comes first.

        Of a series, the list has only the newest point. So each page considers all newer points, too.

        While Postgres does not answer, the page lacks videos that this process has not cached.
        Raises Unavailable if it has cached none of the videos in progress, or if Redis fails.
        """
        videos = FactsOfPage(self._videos)
        most = None if after else 2 * limit + SURPLUS
        scan = yield from self._points.in_progress(viewer.user_id, most)
        items = yield from _items(viewer, scan.points, videos, limit, after)
        if len(items) <= limit and not scan.is_all:
            scan = yield from self._points.in_progress(viewer.user_id)
            items = yield from _items(viewer, scan.points, videos, limit, after)
        videos.require_known()
        if len(items) <= limit:
            return CursorPage(items, None)
        last = items[limit - 1].point
        return CursorPage(items[:limit], Cursor(_moment(last), last.video_id))


class FactsOfPage:
    """The facts of the videos of one page. After a failed query, it queries Postgres no more.

    Each failed query may take most of the second in which the service must respond.
    """

    def __init__(self, videos: FactsCache) -> None:
        self._videos = videos
        self._fault: Unavailable | None = None
        self._is_any_known = False

    def of(self, video_ids: Collection[int]) -> Operation[dict[int, VideoFacts]]:
        """Return the facts of those videos that exist, or after a failed query, of cached ones."""
        facts = self._videos.cached_facts_of(video_ids)
        if facts is None and self._fault is None:
            try:
                facts = yield Blocking(lambda: self._videos.facts_of(video_ids))
            except Unavailable as fault:
                self._fault = fault
        if facts is None:
            facts = self._videos.facts_without_postgres(video_ids)
        self._is_any_known |= bool(facts)
        return facts

    def require_known(self) -> None:
        """Raise Unavailable if a query has failed, and no video of the page is cached."""
        if self._fault and not self._is_any_known:
            raise self._fault


def _items(
    viewer: Identity,
    points: Sequence[ResumePoint],
    videos: FactsOfPage,
    limit: int,
    after: Cursor | None,
) -> Operation[list[BegunVideo]]:
    """Return the items of a page, and one more item if a next page exists."""
    items: list[BegunVideo] = []
    series_seen: set[tuple[int, int | None]] = set()
    numbered = [(number, each) for each in points if (number := row_id(each.video_id))]
    for start in range(0, len(numbered), MOST_FACTS):
        chunk = numbered[start : start + MOST_FACTS]
        facts = yield from videos.of([number for number, _ in chunk])
        for number, point in chunk:
            video = facts.get(number)
            if video is None or not video.is_watchable_by(viewer):
                continue
            if video.series_id is not None:
                series = (video.series_id, video.corporation_id)
                if series in series_seen:
                    continue
                series_seen.add(series)
            if after is None or _follows(point, after):
                items.append(BegunVideo(video, point))
                if len(items) > limit:
                    return items
    return items


def _follows(point: ResumePoint, cursor: Cursor) -> bool:
    """Return whether `point` comes after `cursor`, in the order of the index in Redis."""
    key = (epoch_ms(_moment(point)), escaped(point.video_id))
    return key < (epoch_ms(cursor.updated_at), escaped(cursor.video_id))


def _moment(point: ResumePoint) -> datetime:
    return datetime.fromisoformat(point.updated_at)
