"""A process that flushes when it is told to, and dies or stands still at a step of the flush.

It is started with the settings in its environment, and reads from standard input lines such as
`before commit SIGKILL`; for each it forks a child that flushes so, and answers with the child's pid.
`flush endlessly SIGKILL` flushes again and again until it is killed.
The service itself knows nothing of this: the steps are wrapped from outside.
"""

from __future__ import annotations

import os
import signal
import sys

from resume_service.archive.cycle import ArchiveCycle
from resume_service.archive.flush import Flush
from resume_service.clock import system_clock
from resume_service.settings import Settings
from resume_service.telemetry import logs

ENDLESSLY = "endlessly"


def interrupt(when: str, step: str, number: int) -> None:
    """Have each flush of this process meet the signal `number` before or after `step`, once."""
    whole = getattr(Flush, step)

    def interrupted(flush, *args):
        setattr(Flush, step, whole)
        if when == "before":
            os.kill(os.getpid(), number)
        result = whole(flush, *args)
        if when == "after":
            os.kill(os.getpid(), number)
        return result

    setattr(Flush, step, interrupted)


def flush(settings: Settings, when: str, step: str, number: int) -> None:
    archive = ArchiveCycle.of(settings, system_clock)
    while step == ENDLESSLY:
        archive.cycle()
    interrupt(when, step, number)
    archive.cycle()


def answer(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    settings = Settings.from_env(os.environ)
    logs.configure("error")
    answer("ready")
    for line in sys.stdin:
        when, step, name = line.split()
        child = os.fork()
        if child == 0:
            flush(settings, when, step, signal.Signals[name])
            os._exit(0)
        answer(child)
        _, status = os.waitpid(child, 0)
        answer(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
