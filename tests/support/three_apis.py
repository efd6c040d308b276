"""A client of the three APIs of a resume point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.tokens import bearer

NO_PROGRESS = {
    "position_seconds": 0,
    "duration_seconds": None,
    "completion_percentage": 0,
    "watched": False,
}
"""A playback response without a point."""


@dataclass
class ApiClient:
    """Saves and reads points as `user`, through each API."""

    http: FlaskClient
    user: str = "ann"
    headers: dict[str, str] = field(default_factory=dict)
    before_write: Callable[[], object] = lambda: None
    """Called before each save, so that a fixed clock can move on: the latest of two saves wins."""

    def __post_init__(self) -> None:
        self.headers = self.headers or bearer(self.user)

    def post(self, path: str, body: Any, **how: Any) -> TestResponse:
        self.before_write()
        return self.http.post(path, headers=self.headers, **({"json": body} | how))

    def get(self, path: str) -> TestResponse:
        return self.http.get(path, headers=self.headers)

    def save_point(self, position: float, video: object = 1, **more: Any) -> TestResponse:
        """Save through `/api/progress`."""
        body = {"clerkId": self.user, "tmdbId": str(video), "currentTime": position} | more
        answer = self.post("/api/progress", body)
        assert answer.status_code == 204, answer.text
        return answer

    def read_point(self, video: object = 1) -> dict[str, Any]:
        """The point from `/api/progress`, without its time."""
        point = self._read(f"/api/progress/{self.user}/{video}")
        del point["updatedAt"]
        return point

    def save_rate(self, rate: object, video: object = 1) -> TestResponse:
        return self.post(f"/videos/{video}/progress", {"progress_rate": rate})

    def read_rate(self, video: object = 1) -> dict[str, Any]:
        return self._read(f"/videos/{video}/progress")

    def save_playback(
        self, position: object, duration: object = 100, video: object = 1, kind: str = "movie"
    ) -> TestResponse:
        body = {"position_seconds": position, "duration_seconds": duration}
        return self.post(f"/api/v1/playback/{kind}/{video}", body)

    def read_playback(self, video: object = 1, kind: str = "movie") -> dict[str, Any]:
        return self._read(f"/api/v1/playback/{kind}/{video}")

    def _read(self, path: str) -> dict[str, Any]:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        read: dict[str, Any] = answer.get_json()
        return read
