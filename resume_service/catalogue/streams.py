"""Streams of videos: the access check, the bytes, and when a stream counts as a view."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from sqlalchemy import and_, select

from resume_service.accounts.tables import users
from resume_service.auth.identity import Identity
from resume_service.catalogue.facts import NO_VIDEO, FactsQuery, VideoFacts
from resume_service.catalogue.tables import video_files, videos, view_logs
from resume_service.catalogue.view_logs import ViewLogs
from resume_service.clock import Clock
from resume_service.errors import NotFound, OriginFailed, OriginTimeout, Unavailable
from resume_service.media.model import ByteRequest, OpenMedia
from resume_service.media.source import MediaSource
from resume_service.postgres.database import Database
from resume_service.telemetry import logs, metrics

NO_QUALITY = "Quality not found"
MAX_TRANSACTIONS = 2
"""Transactions of streams that a process runs at a time; more of them wait.

The pool of a process has 8 connections and opens no more. So 6 stay free for other requests.
"""
READ_SECONDS, EARN_SECONDS = 0.3, 2.0
"""Seconds that a transaction waits for a slot: one that reads a video, one that gives points.

A read waits a short time: with Postgres' own timeouts, a client gets its 503 within a second. Points
wait longer: if they fail, the viewer gets none before the next stream.
"""
_log = structlog.get_logger(__name__)


class Stream:
    """The body of a response. It counts as a view once, unless it fails.

    A whole stream counts before its last bytes are sent, so a client that has all bytes has its
    points. A stream also counts if the client disconnects after its first bytes. If the origin fails,
    the iterator raises ConnectionAbortedError, and the server closes the client's connection.
    """

    def __init__(self, opened: OpenMedia, on_view: Callable[[], None]) -> None:
        self.status = opened.status
        self.headers = opened.headers
        self._opened = opened
        self._on_view = on_view
        self._body = self._read()
        self._was_sent_some = False
        self._request_id = logs.request_id.get()

    def __iter__(self) -> Iterator[bytes]:
        return self._body

    def close(self) -> None:
        """Close the file or the connection. The server calls this at the end of every response."""
        self._opened.close()
        if self._was_sent_some:
            self._end("left", counts=True)

    def _read(self) -> Iterator[bytes]:
        try:
            for chunk in self._opened.parts:
                if chunk.is_last:
                    self._opened.close()
                    self._end("whole", counts=True)
                yield chunk.data
                self._was_sent_some = self._was_sent_some or not chunk.is_last
                # Let other greenlets run: a fast origin and a fast client never wait.
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
                self._on_view()
            except Unavailable:
                _log.warning("a view is not logged: no database", request_id=self._request_id)


class Streams:
    """Opens videos for their viewers."""

    def __init__(
        self,
        database: Database,
        media: MediaSource,
        view_logs: ViewLogs,
        clock: Clock,
    ) -> None:
        self._database = database
        self._media = media
        self._view_logs = view_logs
        self._clock = clock
        self._slots = threading.BoundedSemaphore(MAX_TRANSACTIONS)

    def open(
        self, video_id: int, caller: Identity, wanted: ByteRequest, quality: str | None = None
    ) -> Stream:
        """Open the video, or its file of that quality.

        Raises NotFound, Forbidden, RangeNotSatisfiable, OriginFailed, OriginTimeout, Unavailable.
        """
        if quality and "\0" in quality:  # Postgres text can't contain it
            raise NotFound(NO_QUALITY)
        row = self._row(video_id, caller.account_id, quality)
        VideoFacts.of(row).require_watchable_by(caller)
        if row.path is None:
            raise NotFound(NO_QUALITY)
        opened = self._media.open(row.path, wanted)
        earns = row.account is not None and row.rewarded_at is None
        return Stream(opened, self._view_logger(row.account, video_id) if earns else _no_view)

    def require_watchable(self, video_id: int, caller: Identity) -> None:
        """Raises NotFound, Forbidden and Unavailable, as `open` does."""
        FactsQuery(self._database).facts(video_id).require_watchable_by(caller)

    def _row(self, video_id: int, account_id: int | None, quality: str | None) -> Any:
        """The video, the path of its file, the viewer's account and view log, in one statement.

        Raises NotFound.
        """
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
        with self._slot(READ_SECONDS):
            rows = self._database.rows(query)
        if not rows:
            raise NotFound(NO_VIDEO)
        return rows[0]

    def _view_logger(self, user_id: int, video_id: int) -> Callable[[], None]:
        def earn() -> None:
            with self._slot(EARN_SECONDS):
                is_first = self._view_logs.earn(user_id, video_id, self._clock())
            if is_first:
                metrics.views_rewarded.inc()

        return earn

    @contextlib.contextmanager
    def _slot(self, timeout: float) -> Iterator[None]:
        if not self._slots.acquire(timeout=timeout):
            raise Unavailable
        try:
            yield
        finally:
            self._slots.release()


def _no_view() -> None:
    """For callers without an account, and for streams after the one that earned points."""
