"""Streams of videos: who may have one, and when it counts as a view."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import and_, select

from resume_service.accounts.tables import users
from resume_service.auth.identity import Identity
from resume_service.catalogue.facts import NO_VIDEO, FactsQuery, VideoFacts
from resume_service.catalogue.tables import video_files, videos, view_logs
from resume_service.catalogue.view_logs import ViewLogs
from resume_service.errors import NotFound, OriginFailed, OriginTimeout, Unavailable
from resume_service.media.model import ByteRequest, OpenMedia
from resume_service.media.source import MediaSource
from resume_service.postgres.database import Database
from resume_service.telemetry import logs, metrics

NO_QUALITY = "Quality not found"
TURNS = 2
"""Statements of streams at a time: as many as there are connections that are kept. Those that come at
once wait their turn, which takes less than to connect anew for each, and leaves others theirs."""
READ_SECONDS, EARN_SECONDS = 0.3, 2.0
"""For a turn: with Postgres' own bounds below a second for who waits for an answer, and longer for
points, for which there would be no other answer until the next stream."""
_log = structlog.get_logger(__name__)


class Stream:
    """The body of an answer. It counts as a view when it ends well, once and by itself.

    That is before its last bytes are handed out, so that a client that has them all finds its
    points; or when the client goes after it was sent some. An origin that fails ends it with a
    ConnectionAbortedError, for the server to cut the client's connection short.
    """

    def __init__(self, opened: OpenMedia, view: Callable[[], None]) -> None:
        self.status = opened.status
        self.headers = opened.headers
        self._opened = opened
        self._view = view
        self._parts = self._watched()
        self._was_sent_some = False
        self._request_id = logs.request_id.get()

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        """Let go of the origin; the server calls this whichever way the answer ended."""
        self._opened.close()
        if self._was_sent_some:
            self._end("left", counts=True)

    def _watched(self) -> Iterator[bytes]:
        try:
            for part in self._opened.parts:
                if part.is_last:
                    self._opened.close()
                    self._end("whole", counts=True)
                yield part.data
                self._was_sent_some = self._was_sent_some or not part.is_last
                # An origin and a client that both are fast would leave no turn to anybody else.
                time.sleep(0)
        except (OriginFailed, OriginTimeout) as fault:
            self._end("failed", counts=False)
            _log.warning("a stream broke off", fault=fault.message, request_id=self._request_id)
            raise ConnectionAbortedError(fault.message) from fault

    def _end(self, result: str, *, counts: bool) -> None:
        self._was_sent_some = False
        metrics.streams.labels(result).inc()
        if counts:
            try:
                self._view()
            except Unavailable:
                _log.warning("a view is not logged: no database", request_id=self._request_id)


class Streams:
    """Opens videos for their viewers."""

    def __init__(
        self,
        database: Database,
        media: MediaSource,
        view_logs: ViewLogs,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._media = media
        self._view_logs = view_logs
        self._clock = clock
        self._turns = threading.BoundedSemaphore(TURNS)

    def open(
        self, video_id: int, caller: Identity, wanted: ByteRequest, quality: str | None = None
    ) -> Stream:
        """The video, or its file of that quality.

        Raises NotFound, Forbidden, RangeNotSatisfiable, OriginFailed, OriginSilent, Unavailable.
        """
        if quality and "\0" in quality:  # which no text in Postgres holds
            raise NotFound(NO_QUALITY)
        row = self._row(video_id, caller.account_id, quality)
        VideoFacts.of(row).require_watchable_by(caller)
        if row.path is None:
            raise NotFound(NO_QUALITY)
        opened = self._media.open(row.path, wanted)
        earns = row.account is not None and row.rewarded_at is None
        return Stream(opened, self._view(row.account, video_id) if earns else _nothing)

    def require_watchable(self, video_id: int, caller: Identity) -> None:
        """Raises NotFound, Forbidden and Unavailable, as `open`."""
        FactsQuery(self._database).facts(video_id).require_watchable_by(caller)

    def _row(self, video_id: int, account_id: int | None, quality: str | None) -> Any:
        """All there is to know, in one statement; raises NotFound."""
        path = videos.c.file_path if quality is None else video_files.c.file_path
        of_quality = and_(
            video_files.c.video_id == videos.c.id, video_files.c.quality == (quality or "")
        )
        is_viewer = and_(users.c.id == account_id, users.c.deleted_at.is_(None))
        of_viewer = and_(view_logs.c.user_id == users.c.id, view_logs.c.video_id == videos.c.id)
        query = (
            select(videos, path.label("path"), users.c.id.label("account"), view_logs.c.rewarded_at)
            .outerjoin(video_files, of_quality)
            .outerjoin(users, is_viewer)
            .outerjoin(view_logs, of_viewer)
            .where(videos.c.id == video_id)
        )
        with self._turn(READ_SECONDS):
            found = self._database.rows(query)
        if not found:
            raise NotFound(NO_VIDEO)
        return found[0]

    def _view(self, user_id: int, video_id: int) -> Callable[[], None]:
        def earn() -> None:
            with self._turn(EARN_SECONDS):
                is_first = self._view_logs.earn(user_id, video_id, self._clock())
            if is_first:
                metrics.views_rewarded.inc()

        return earn

    @contextlib.contextmanager
    def _turn(self, within: float) -> Iterator[None]:
        if not self._turns.acquire(timeout=within):
            raise Unavailable
        try:
            yield
        finally:
            self._turns.release()


def _nothing() -> None:
    """Of callers without an account, and of streams after the one that earned."""
