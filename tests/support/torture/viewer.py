"""A viewer who knows every position that it saved, and checks each response against that."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.tokens import bearer
from tests.support.torture.faults import POSITIONS_A_VIEWER
from tests.support.torture.http_client import ENDED, Answer, HttpConnection
from tests.support.torture.tally import Fault, Tally
from tests.support.torture.video_model import Position, Verdict, VideoModel

VIDEOS = 6
AN_HOUR_MS = 3_600_000
PAUSE_AFTER_503 = 0.05
"""Seconds. Without a pause, an open circuit breaker would only be asked as often as possible."""


class CheckingViewer:
    """One user with one connection and one request at a time. `tally` gets all that it sees."""

    def __init__(self, number: int, port: int, tally: Tally, timeout: float = 10.0) -> None:
        self.number = number
        self.user = f"torture-{number}"
        self.tally = tally
        self.videos = {f"v{video}": VideoModel() for video in range(VIDEOS)}
        self._connection = HttpConnection(port, bearer(self.user)["Authorization"], timeout)
        self._chance = random.Random(number)
        self._saves = 0
        self._requests = 0

    async def run(
        self, until: Callable[[], bool], pause: float, *, saves_only: bool = False
    ) -> None:
        """Save, read, list and delete until `until()` is true. Pause for `pause` s on average."""
        steps: list[Callable[[str], Awaitable[Any]]]
        steps = [self.save, self.read, self.save_an_old_position, self.list, self.delete]
        while not until():
            [step] = self._chance.choices(steps, (50, 30, 8, 8, 4))
            step = self.save if saves_only else step
            await step(self._chance.choice(list(self.videos)))
            await asyncio.sleep(self._chance.uniform(0, 2 * pause))

    async def save(self, video: str) -> None:
        model, position = self.videos[video], self._next_position()
        model.begin(position)
        if answer := await self._ask(
            "POST", "/api/progress", 204, body=self._body(video, position)
        ):
            self._expect_applied(answer, video, applied=True)
            model.acknowledge(position)

    async def save_an_old_position(self, video: str) -> None:
        """Save a position that was measured an hour ago. It must not replace the point."""
        model, position = self.videos[video], self._next_position()
        if not model.certain:
            return
        body = self._body(video, position) | {"ageMs": AN_HOUR_MS}
        if answer := await self._ask("POST", "/api/progress", 204, body=body):
            self._expect_applied(answer, video, applied=False)
        else:
            model.overtaken.append(position)

    async def read(self, video: str) -> bool:
        """Return whether a response came that was no 503."""
        answer = await self._ask("GET", self._path(video), 200, 404)
        if answer:
            self._check(video, _position(answer.json) if answer.status == 200 else None)
        return answer is not None

    async def list(self, _video: str = "") -> None:
        if answer := await self._ask("GET", f"/api/progress/{self.user}", 200):
            found = {point["tmdbId"]: _position(point) for point in answer.json}
            for video in self.videos.keys() | found.keys():
                self._check(video, found.get(video))

    async def delete(self, video: str) -> None:
        self.videos[video].begin(None)
        if await self._ask("DELETE", self._path(video), 204, 404):
            self.videos[video].acknowledge(None)

    async def verify(self, patience: float = 15.0) -> None:
        """Read every video and compare it with the model. The proxy must have no faults now."""
        for video, model in self.videos.items():
            deadline = time.monotonic() + patience
            while not (answer := await self._ask("GET", self._path(video), 200, 404)):
                if time.monotonic() > deadline:
                    self.tally.fault(Fault.LOST, f"{self.user} {video}: not readable at the end")
                    return
            found = _position(answer.json) if answer.status == 200 else None
            self._check(video, found, wrong=Fault.LOST)
            if self._is_own(found):
                model.settle(found)

    def close(self) -> None:
        self._connection.close()

    async def _ask(self, method: str, path: str, *expected: int, body: Any = None) -> Answer | None:
        """Return the response if its status is in `expected`. Count everything."""
        self._requests += 1
        request_id = f"{self.number}-{self._requests}"
        try:
            answer = await self._connection.ask(method, path, request_id, body)
        except ENDED as end:
            self.tally.fault(Fault.REFUSED, f"{method} {path}: {end!r}")
            await asyncio.sleep(PAUSE_AFTER_503)
            return None
        if answer.headers.get("x-request-id") != request_id:
            self.tally.fault(Fault.MIXED_UP, f"{path}: request id {answer.headers}")
        if answer.status == 503:
            self.tally.seconds_503.append(answer.seconds)
            await asyncio.sleep(PAUSE_AFTER_503)
            return None
        self.tally.seconds.append(answer.seconds)
        if answer.status not in expected:
            self.tally.fault(Fault.ERROR_500, f"{method} {path}: {answer.status} {answer.body!r}")
            return None
        self.tally.seen["ok"] += 1
        return answer

    def _check(self, video: str, found: Position, wrong: Fault = Fault.MIXED_UP) -> None:
        """Judge the position that the service returned for `video`."""
        if not self._is_own(found):
            self.tally.fault(Fault.WRONG_OWNER, f"{self.user} {video}: {found}")
            return
        model = self.videos.get(video, VideoModel())
        verdict = model.judge(found)
        if verdict is not Verdict.RIGHT:
            kind = Fault.LATE if verdict is Verdict.LATE else wrong
            if self.tally.are_values_garbled and (found is None or video not in self.videos):
                kind = Fault.UNREADABLE
            self.tally.fault(kind, f"{self.user} {video}: {found} instead of {model}")

    def _expect_applied(self, answer: Answer, video: str, *, applied: bool) -> None:
        if answer.headers.get("resume-applied") != str(applied).lower():
            self.tally.fault(Fault.WRONG_ACK, f"{self.user} {video}: applied is not {applied}")

    def _is_own(self, found: Position) -> bool:
        return found is None or found // POSITIONS_A_VIEWER == self.number

    def _next_position(self) -> int:
        self._saves += 1
        return self.number * POSITIONS_A_VIEWER + self._saves

    def _body(self, video: str, position: int) -> dict[str, Any]:
        return {"clerkId": self.user, "tmdbId": video, "currentTime": position}

    def _path(self, video: str) -> str:
        return f"/api/progress/{self.user}/{video}"


def _position(point: dict[str, Any]) -> int:
    """Return the position of a point. A fraction would be no position of any viewer."""
    position = point["currentTime"]
    return int(position) if position == int(position) else -1
