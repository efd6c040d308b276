"""Generates the demo's media: one tune for each file, as a WAV that every browser plays."""

from __future__ import annotations

import io
import math
import random
import tempfile
import wave
from pathlib import Path

SECONDS = 30
NOTE_SECONDS = 0.25
RATE, LOW_RATE = 8000, 4000
"""Samples per second, of one byte each: a file has 240 or 120 KB."""
LOUDNESS = 40
"""Amplitude, out of 127 that a byte allows on either side of silence."""
_SCALE = tuple(220 * 2 ** (step / 12) for step in (0, 2, 4, 7, 9, 12, 14, 16))
"""Notes in hertz, of a scale in which any two notes sound good together."""
READABLE_BY_ALL = 0o644


def put_media(path: Path) -> bool:
    """Create the file unless it exists. Returns whether it was created. Raises OSError.

    A file is never visible before it is complete.
    """
    if path.exists():
        return False
    handle, unfinished = tempfile.mkstemp(dir=path.parent)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - opens a descriptor
            file.write(tune(path.name, LOW_RATE if path.stem.endswith("-low") else RATE))
        Path(unfinished).chmod(READABLE_BY_ALL)
        Path(unfinished).rename(path)
    except BaseException:
        Path(unfinished).unlink()
        raise
    return True


def tune(name: str, rate: int) -> bytes:
    """A WAV of SECONDS. The same name gives the same tune."""
    melody = random.Random(name)  # noqa: S311 - a melody is no secret
    written = io.BytesIO()
    with wave.open(written, "wb") as media:
        media.setnchannels(1)
        media.setsampwidth(1)
        media.setframerate(rate)
        for _ in range(int(SECONDS / NOTE_SECONDS)):
            media.writeframesraw(_note(melody.choice(_SCALE), rate))
    return written.getvalue()


def _note(hertz: float, rate: int) -> bytes:
    samples = round(rate / hertz)  # in one period, which repeats until the note ends
    period = bytes(
        128 + round(LOUDNESS * math.sin(2 * math.pi * at / samples)) for at in range(samples)
    )
    length = int(rate * NOTE_SECONDS)
    return (period * (length // samples + 1))[:length]
