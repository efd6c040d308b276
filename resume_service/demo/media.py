"""Generates the demo's media: WAV files, which every browser can play. Each has its own tune."""

from __future__ import annotations

import io
import math
import random
import tempfile
import wave
from pathlib import Path

SECONDS = 30
"""Length of a tune in seconds."""
NOTE_SECONDS = 0.25
"""Length of a note in seconds."""
RATE = 8000
"""Samples per second. A sample has one byte, so a file has 240 KB."""
LOW_RATE = 4000
"""Samples per second in the quality `low`. Such a file has 120 KB."""
LOUDNESS = 40
"""Amplitude of a note. A sample of one byte allows an amplitude of at most 127."""
_SCALE = tuple(220 * 2 ** (step / 12) for step in (0, 2, 4, 7, 9, 12, 14, 16))
"""Frequencies of the notes in hertz. Any two of these notes sound good together."""
READABLE_BY_ALL = 0o644


def put_media(path: Path) -> bool:
    """Create the file unless it exists. Returns whether it was created. Raises OSError.

    The file gets its name only after it is complete. So no request reads an incomplete file.
    """
    if path.exists():
        return False
    handle, unfinished = tempfile.mkstemp(dir=path.parent)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - Path can't open a descriptor
            file.write(tune(path.name, LOW_RATE if path.stem.endswith("-low") else RATE))
        Path(unfinished).chmod(READABLE_BY_ALL)
        Path(unfinished).rename(path)
    except BaseException:
        Path(unfinished).unlink()
        raise
    return True


def tune(name: str, rate: int) -> bytes:
    """Return a WAV file of SECONDS. The same name always gives the same tune."""
    melody = random.Random(name)  # noqa: S311 - a melody need not be secret
    written = io.BytesIO()
    with wave.open(written, "wb") as media:
        media.setnchannels(1)
        media.setsampwidth(1)
        media.setframerate(rate)
        for _ in range(int(SECONDS / NOTE_SECONDS)):
            media.writeframesraw(_note(melody.choice(_SCALE), rate))
    return written.getvalue()


def _note(hertz: float, rate: int) -> bytes:
    samples = round(rate / hertz)  # of one period, which is repeated until the note ends
    period = bytes(
        128 + round(LOUDNESS * math.sin(2 * math.pi * at / samples)) for at in range(samples)
    )
    length = int(rate * NOTE_SECONDS)
    return (period * (length // samples + 1))[:length]
