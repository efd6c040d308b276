"""Frames of RESP2, the protocol of Redis. A frame is a whole command or a whole reply."""

from __future__ import annotations

STRUCTURE, TEXT = "structure", "text"


class Splitter:
    """Splits a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that `data` completes. Bytes of an unfinished frame wait here."""
        data, at, frames = self._rest + data, 0, []
        while at < len(data) and (end := frame_end(data, at)) > 0:
            frames.append(data[at:end])
            at = end
        self._rest = data[at:]
        return frames


def frame_end(data: bytes, at: int) -> int:
    """Return the offset after the frame that begins at `at`, or -1 if its end is missing."""
    missing = 1
    while missing:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return -1
        kind, size = data[at : at + 1], 0
        if kind in (b"$", b"*"):
            size = int(data[at + 1 : line_end])
        at = line_end + 2
        if kind == b"$" and size >= 0:
            at += size + 2
        missing += (max(size, 0) if kind == b"*" else 0) - 1
        if at > len(data):
            return -1
    return at


def parts(frame: bytes) -> dict[str, list[int]]:
    """Return the offsets of the bytes of `frame`: of its STRUCTURE, and of the TEXT of its values.

    The structure has types, sizes, status lines and line ends. Integers and strings are values.
    """
    structure, text, at = [], [], 0
    while at < len(frame):
        line_end = frame.index(b"\r\n", at) + 2
        if frame[at : at + 1] == b":":
            structure += [at, line_end - 2, line_end - 1]
            text += range(at + 1, line_end - 2)
        else:
            structure += range(at, line_end)
        size = int(frame[at + 1 : line_end - 2]) if frame[at : at + 1] == b"$" else -1
        at = line_end
        if size >= 0:
            text += range(at, at + size)
            structure += range(at + size, at + size + 2)
            at += size + 2
    return {STRUCTURE: structure, TEXT: text}


def array(*items: str | None) -> bytes:
    """Return an array of strings. None is a nil."""
    return b"*%d\r\n" % len(items) + b"".join(map(bulk, items))


def bulk(item: str | None) -> bytes:
    """Return a string, or nil for None."""
    if item is None:
        return b"$-1\r\n"
    data = item.encode()
    return b"$%d\r\n%s\r\n" % (len(data), data)
