"""Decides which command or reply gets which fault, and what the proxy then sends.

A plan gives each kind of fault a probability. The random numbers have a seed. Each fault is counted.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable

from tests.support.torture.resp import STRUCTURE, TEXT, array, bulk, parts

Step = tuple[float, bytes | None]
"""Wait so many seconds, then send these bytes. None: close the connection."""

HOLD_SECONDS = 0.7
"""Longer than REDIS_TIMEOUT_MS: the caller has got its 503."""
LONGEST_DELAY = 0.45
"""Seconds. Some delays are shorter than REDIS_TIMEOUT_MS, some are longer."""
DRIP_SECONDS = (0.001, 0.01, 0.1)
"""Seconds between two bytes of a reply that drips."""
GAPS = (0.0, 0.0, 0.0005, 0.005, 0.05)
"""Seconds between a real reply and an extra one. With 0, they arrive together."""
GHOST = 99
"""The number of a viewer who does not exist. Invented replies contain its positions."""
POSITIONS_A_VIEWER = 1_000_000
"""Each position of a viewer is its number times this, plus the number of the save."""
RECORDED = 200
"""Number of replies that are kept. A stray reply is often one of these."""


class Faults:
    """The plan, its random numbers and its counts."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.cuts: set[tuple[str, int]] = set()
        """The cuts so far: `reply` or `request`, and the number of bytes before the cut."""
        self.plan({}, seed=0)

    def plan(self, probabilities: dict[str, float], seed: int) -> None:
        """Use these probabilities from now on. The keys are names of REPLY_FAULTS or REQUEST_FAULTS."""
        self.chance = random.Random(seed)
        self._recorded: deque[bytes] = deque(maxlen=RECORDED)
        self._replies = {k: p for k, p in probabilities.items() if k in REPLY_FAULTS}
        self._requests = {k: p for k, p in probabilities.items() if k in REQUEST_FAULTS}
        unknown = probabilities.keys() - self._replies.keys() - self._requests.keys()
        assert not unknown, unknown

    def for_reply(self, frame: bytes) -> list[Step]:
        """Return the steps that the proxy takes for the reply `frame`."""
        kind = self._choose(self._replies)
        steps = REPLY_FAULTS[kind](self, frame) if kind else [(0.0, frame)]
        if len(frame) < 10_000:
            self._recorded.append(frame)
        return steps

    def for_request(self) -> str | None:
        """Return `cut_request`, `hold_request`, or None for a command that passes."""
        return self._choose(self._requests)

    def cut_at(self, side: str, frame: bytes) -> int:
        """Return the number of bytes before the next cut. In time, each number comes."""
        at = self.counts[f"cut_{side}"] % (len(frame) + 1)
        self.cuts.add((side, at))
        return at

    def stray(self) -> bytes:
        """Return a reply of another command: an earlier real one, or an invented one."""
        if self._recorded and self.chance.random() < 0.5:
            return self.chance.choice(self._recorded)
        number = GHOST * POSITIONS_A_VIEWER + self.chance.randrange(POSITIONS_A_VIEWER)
        position, at = str(number), "2026-11-25T10:00:00.000Z"
        return self.chance.choice(
            (
                b":1\r\n",
                b":0\r\n",
                b"+OK\r\n",
                b"-ERR not your error\r\n",
                bulk(None),
                bulk(position),
                array(position, at, None, None, None, None),
                array(position, at, "5400", "50.00", "0", "0"),
                array("v0", "1795600000000"),
            )
        )

    def _choose(self, probabilities: dict[str, float]) -> str | None:
        if not probabilities:
            return None
        left = self.chance.random()
        for kind, probability in probabilities.items():
            left -= probability
            if left < 0:
                self.counts[kind] += 1
                return kind
        return None

    def _cut(self, frame: bytes) -> list[Step]:
        return [(0.0, frame[: self.cut_at("reply", frame)]), (0.0, None)]

    def _garble(self, frame: bytes) -> list[Step]:
        """Change one byte of the structure."""
        at = self.chance.choice(parts(frame)[STRUCTURE])
        return [(0.0, _replaced(frame, at, self.chance.choice(b"\x00\n\r $*+-0123456789:a\xff")))]

    def _garble_text(self, frame: bytes) -> list[Step]:
        """Make one byte of a value invalid. No service can notice a changed digit."""
        text = parts(frame)[TEXT]
        if not text:
            return [(0.0, frame)]
        at = self.chance.choice(text)
        return [(0.0, _replaced(frame, at, frame[at] | 0x80))]

    def _with(self, extra: bytes, frame: bytes) -> list[Step]:
        both = [extra, frame] if self.chance.random() < 0.5 else [frame, extra]
        gap = self.chance.choice(GAPS)
        return [(0.0, both[0]), (gap, both[1])] if gap else [(0.0, both[0] + both[1])]


def _replaced(frame: bytes, at: int, byte: int) -> bytes:
    return frame[:at] + bytes([byte]) + frame[at + 1 :]


def _drip(faults: Faults, frame: bytes) -> list[Step]:
    pause = faults.chance.choice(DRIP_SECONDS)
    return [(pause, bytes([byte])) for byte in frame]


REPLY_FAULTS: dict[str, Callable[[Faults, bytes], list[Step]]] = {
    "delay": lambda faults, frame: [(faults.chance.uniform(0, LONGEST_DELAY), frame)],
    "drip": _drip,
    "cut_reply": Faults._cut,
    "duplicate": lambda faults, frame: faults._with(frame, frame),
    "hold_reply": lambda _faults, frame: [(HOLD_SECONDS, frame)],
    "garble": Faults._garble,
    "garble_text": Faults._garble_text,
    "stray": lambda faults, frame: faults._with(faults.stray(), frame),
}
REQUEST_FAULTS = ("cut_request", "hold_request")
