"""Streams of videos: the access check, the bytes, and the views.

A user's first stream of a video is logged as a view, and earns reward points.
"""

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
"""Maximum number of Postgres transactions that the streams of a process run at the same time.

Further transactions wait. The connection pool of a process has 8 connections and opens no more. So 6
connections remain for other requests.
"""
READ_SECONDS = 0.3
"""Maximum seconds that a transaction waits for its start if it reads a video.

This wait is short, because the timeouts of Postgres may follow it. If Postgres does not answer, the
client gets its 503 only after both.
"""
EARN_SECONDS = 2.0
"""Maximum seconds that a transaction waits for its start if it gives reward points.

This wait is longer than READ_SECONDS. If the transaction fails, the viewer gets no points until another
stream of this video is logged as a view.
"""
_log = structlog.get_logger(__name__)


class Stream:
    """The body of a response. It calls `on_view` at most once, to log the view.

    A stream that is read to its end is logged just before its last bytes are sent. So a client that
    has all bytes already has its reward points. A stream is also logged if the client disconnects
    after the first bytes.

    If the origin sends an incomplete body, the stream is not logged. The iterator then raises
    ConnectionAbortedError, and the server closes the client's connection.
    """

    def __init__(self, opened: OpenMedia, on_view: Callable[[], None]) -> None:
        self.status = opened.status
        self.headers = opened.headers
        self._opened = opened
        self._on_view = on_view
        self._body = self._read()
        self._sent_some_bytes = False
        self._request_id = logs.request_id.get()

    def __iter__(self) -> Iterator[bytes]:
        return self._body

    def close(self) -> None:
        """Close the file or the connection. The server calls this at the end of every response."""
        self._opened.close()
        if self._sent_some_bytes:
            self._end("left", is_view=True)

    def _read(self) -> Iterator[bytes]:
        try:
            for chunk in self._opened.parts:
                if chunk.is_last:
                    self._opened.close()
                    self._end("whole", is_view=True)
                yield chunk.data
                self._sent_some_bytes = self._sent_some_bytes or not chunk.is_last
                # Let other greenlets run: with a fast origin and client, this loop never waits.
                time.sleep(0)
        except (OriginFailed, OriginTimeout) as fault:
            self._end("failed", is_view=False)
            _log.warning("a stream broke off", fault=fault.message, request_id=self._request_id)
            raise ConnectionAbortedError(fault.message) from fault

    def _end(self, result: str, *, is_view: bool) -> None:
        self._sent_some_bytes = False
        metrics.streams.labels(result).inc()
        if is_view:
            try:
                self._on_view()
            except Unavailable:
                _log.warning("a view is not logged: no database", request_id=self._request_id)


class Streams:
    """Opens videos for their viewers."""

    def __init__(
        self, database: Database, media: MediaSource, view_logs: ViewLogs, clock: Clock
    ) -> None:
        self._database = database
        self._media = media
        self._view_logs = view_logs
        self._clock = clock
        self._slots = threading.BoundedSemaphore(MAX_TRANSACTIONS)

    def open(
        self, video_id: int, caller: Identity, wanted: ByteRequest, quality: str | None = None
    ) -> Stream:
        """Open the video. If `quality` is given, open the video's file of this quality.

        Raises NotFound if the video, the quality or the file does not exist. Raises Forbidden if the
        caller may not watch the video. Raises Unavailable if Postgres does not answer in time.

        `MediaSource.open`, which this method calls, raises some further errors.
        """
        if quality and "\0" in quality:  # Postgres text can't contain it
            raise NotFound(NO_QUALITY)
        row = self._row(video_id, caller.account_id, quality)
        VideoFacts.of(row).require_watchable_by(caller)
        if row.path is None:
            raise NotFound(NO_QUALITY)
        opened = self._media.open(row.path, wanted)
        may_earn = row.account is not None and row.rewarded_at is None
        return Stream(opened, self._view_logger(row.account, video_id) if may_earn else _no_view)

    def require_watchable(self, video_id: int, caller: Identity) -> None:
        """Check that the caller may watch the video.

        Raises NotFound if the video is not offered. Raises Forbidden if the caller may not watch it.
        Raises Unavailable if Postgres does not answer.
        """
        FactsQuery(self._database).facts(video_id).require_watchable_by(caller)

    def _row(self, video_id: int, account_id: int | None, quality: str | None) -> Any:
        """Read the video, the path of its file, the viewer's account and its view log.

        One statement reads all of these. Raises NotFound if the video never existed.
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
        """Return a function that logs the view and gives the reward points."""

        def earn() -> None:
            with self._slot(EARN_SECONDS):
                has_earned = self._view_logs.earn(user_id, video_id, self._clock())
            if has_earned:
                metrics.views_rewarded.inc()

        return earn

    @contextlib.contextmanager
    def _slot(self, timeout: float) -> Iterator[None]:
        """Wait until fewer than MAX_TRANSACTIONS transactions run.

        Raises Unavailable after `timeout` seconds.
        """
        if not self._slots.acquire(timeout=timeout):
            raise Unavailable
        try:
            yield
        finally:
            self._slots.release()


def _no_view() -> None:
    """Do nothing.

    Used if the caller has no account, or has already earned the reward points of this video.
    """
