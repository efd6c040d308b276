"""Makes the demo's clips with ffmpeg, from a gradient, a clock and tones.

The clips are in the project, so only a change of this script needs ffmpeg. A clip shows its time in
large digits: so a person sees at once where a player resumes. Run it with
`.venv/bin/python -m dev.demo_media`.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import NamedTuple

from resume_service.demo import media
from resume_service.demo.media import CLIPS, CLIPS_FOLDER, Clip

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
"""In Debian's package `fonts-dejavu-core`."""
FRAMES_PER_SECOND = 10
LARGEST_TOTAL = 1_000_000
"""Bytes of all clips together."""


class Style(NamedTuple):
    dark: str
    light: str
    """The colours of the gradient."""
    hertz: int
    """The lowest note. Each second has the next note of a circle of fourths."""
    height: int = 270


STYLES = {
    media.DUSK: Style("0x3b1f4b", "0xc8553d", 165),
    media.DUSK_LOW: Style("0x3b1f4b", "0xc8553d", 165, height=144),
    media.SEA: Style("0x0b2545", "0x1f7a8c", 220),
    media.ROPE: Style("0x3e2c23", "0xa47148", 196),
    media.FOG: Style("0x2f3e46", "0x84a098", 247),
    media.NIGHT: Style("0x0f0c29", "0x4338a0", 147),
    media.LAMP: Style("0x4a2c00", "0xc58b1b", 294),
}


def main() -> None:
    if shutil.which("ffmpeg") is None:
        raise SystemExit("ffmpeg is missing")
    CLIPS_FOLDER.mkdir(exist_ok=True)
    for clip in CLIPS:
        subprocess.run(command(clip, STYLES[clip]), check=True)
    total = sum(clip.path.stat().st_size for clip in CLIPS)
    print(f"{len(CLIPS)} clips, {total / 1000:.0f} kB")
    if total > LARGEST_TOTAL:
        raise SystemExit(f"The clips have more than {LARGEST_TOTAL / 1000:.0f} kB together")


def command(clip: Clip, style: Style) -> list[str]:
    """The ffmpeg command that makes `clip`. The same ffmpeg always makes the same bytes."""
    return [
        "ffmpeg",
        *("-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "lavfi", "-i", _picture(clip, style)),
        *("-f", "lavfi", "-i", _sound(clip, style)),
        *("-vf", f"{_clock(clip)},scale=-2:{style.height}", "-pix_fmt", "yuv420p"),
        *("-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "48", "-deadline", "good", "-cpu-used", "2"),
        *("-g", str(10 * FRAMES_PER_SECOND)),  # seconds between key frames: a seek decodes these
        *("-c:a", "libopus", "-b:a", "8k", "-ac", "1", "-frame_duration", "60"),
        *("-cues_to_front", "1"),  # so that a browser can seek after its first request
        *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact"),
        str(clip.path),
    ]


def _picture(clip: Clip, style: Style) -> str:
    return (
        f"gradients=size=480x270:rate={FRAMES_PER_SECOND}:duration={clip.seconds}"
        f":c0={style.dark}:c1={style.light}:x0=0:y0=0:x1=480:y1=270:speed=0.00001"
    )


def _clock(clip: Clip) -> str:
    """The time in the middle, and a dot that crosses the bottom in the length of the clip."""
    text = r"%{eif\:floor(t/60)\:d}\:%{eif\:mod(t\,60)\:d\:2}"
    white = f"drawtext=fontfile={FONT}:fontcolor=white"
    return ",".join(
        (
            "drawbox=x=0:y=246:w=iw:h=24:color=white@0.10:t=fill",
            f"{white}:text='{text}':fontsize=84:x=(w-text_w)/2:y=(h-text_h)/2-8",
            f"{white}:text='●':fontsize=26:x=(w-20)*t/{clip.seconds}:y=247",
        )
    )


def _sound(clip: Clip, style: Style) -> str:
    note = f"sin(2*PI*t*{style.hertz}*pow(2,mod(floor(t)*5,12)/12))"
    return f"aevalsrc='0.25*{note}*exp(-6*mod(t,1))':duration={clip.seconds}:sample_rate=48000"


if __name__ == "__main__":
    main()
