"""The demo's media: short WebM clips, which show their own time and play one note a second.

`dev/demo_media.py` made the clips with ffmpeg. Several titles share a clip, but each title has its
own file below MEDIA_ROOT. So a developer can replace the file of one title.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

CLIPS_FOLDER = Path(__file__).parent / "clips"
READABLE_BY_ALL = 0o644


class Clip(NamedTuple):
    """A video file (VP9 and Opus). All clips together have less than 1 MB."""

    name: str
    seconds: int
    """Length of the clip. The real length is at most 0.1 s longer."""

    @property
    def path(self) -> Path:
        return CLIPS_FOLDER / f"{self.name}.webm"


DUSK, DUSK_LOW = Clip("dusk", 150), Clip("dusk-low", 150)
SEA, ROPE, FOG = Clip("sea", 90), Clip("rope", 75), Clip("fog", 60)
NIGHT, LAMP = Clip("night", 60), Clip("lamp", 45)
CLIPS = (DUSK, DUSK_LOW, SEA, ROPE, FOG, NIGHT, LAMP)


def put_media(path: Path, clip: Clip) -> bool:
    """Copy the clip to `path` unless that file exists. Returns whether it was created.

    The file gets its name only after it is complete. So no request reads an incomplete file. Raises
    OSError.
    """
    if path.exists():
        return False
    handle, unfinished = tempfile.mkstemp(dir=path.parent)
    try:
        with clip.path.open("rb") as source, open(handle, "wb") as file:  # noqa: PTH123 - Path can't open a descriptor
            shutil.copyfileobj(source, file)
        Path(unfinished).chmod(READABLE_BY_ALL)
        Path(unfinished).rename(path)
    except BaseException:
        Path(unfinished).unlink()
        raise
    return True
