"""A program that flushes on request and kills or freezes itself at a step of the flush.

It reads the settings from its environment and requests from standard input. The request
`before commit SIGKILL 5` forks a child. The child flushes and sends itself SIGKILL before the step
`commit`; Postgres ends its session after 5 idle seconds. `flush endlessly SIGKILL 5` flushes until
a test kills it. For each request, the program prints the pid and later the exit code of the child.
"""

from __future__ import annotations

import os
import signal
import sys

from resume_service.archive import repository
from resume_service.archive.cycle import ArchiveCycle
from resume_service.archive.flush import Flush
from resume_service.clock import system_clock
from resume_service.settings import Settings
from resume_service.telemetry import logs

ENDLESSLY = "endlessly"


def interrupt(when: str, step: str, number: int) -> None:
    """Make the next flush send the signal `number` to this process before or after `step`."""
    original = getattr(Flush, step)

    def interrupted(flush, *args):
        setattr(Flush, step, original)
        if when == "before":
            os.kill(os.getpid(), number)
        result = original(flush, *args)
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


def send_line(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    settings = Settings.from_env(os.environ)
    logs.configure("error")
    send_line("ready")
    for line in sys.stdin:
        when, step, name, idle_seconds = line.split()
        child = os.fork()
        if child == 0:
            repository.IDLE_SECONDS = int(idle_seconds)
            flush(settings, when, step, signal.Signals[name])
            os._exit(0)
        send_line(child)
        _, status = os.waitpid(child, 0)
        send_line(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
