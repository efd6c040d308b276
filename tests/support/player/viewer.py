"""Another device of a viewer: it speaks to the service directly."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

from tests.support.tokens import bearer


class Viewer:
    def __init__(self, port: int, user: str = "ann") -> None:
        self.user = user
        self._port = port

    def point(self, video: str = "v1") -> dict[str, Any] | None:
        """The stored point, if there is one."""
        status, body = self._send("GET", f"/api/progress/{self.user}/{video}")
        return body if status == 200 else None

    def position(self, video: str = "v1") -> float | None:
        """Seconds, or None without a point."""
        point = self.point(video)
        return float(point["currentTime"]) if point else None

    def save(self, position: float, video: str = "v1", **fields: Any) -> None:
        body = {"clerkId": self.user, "tmdbId": video, "currentTime": position, "duration": 90}
        status, _ = self._send("POST", "/api/progress", body | fields)
        assert status == 204

    def _send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = bearer(self.user) | {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, json.loads(text) if text else None
