"""The folder in which the processes of a service share their metrics.

Each process writes files of its own to the folder: `counter_<pid>.db` and `histogram_<pid>.db`. A
scrape (a request for `/metrics`) adds the values of all files. This module adds two locks:

    master.lock  The master process holds this lock until it ends, and so do its workers. So a new
                 service can remove the folder of a service that was killed. The lock is also right
                 for processes in other containers, and if a process id is used again.
    fold.lock    A scrape holds it shared. The master holds it exclusively while it folds: it adds
                 the values of dead workers into one file of each kind. So a scrape counts each
                 value exactly once.

A lock is a flock(2): the kernel releases it when the last process with the open file ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from resume_service.errors import Unavailable

PREFIX = "resume-metrics-"
"""The names of the folders begin with this text."""
MASTER_LOCK = "master.lock"
FOLD_LOCK = "fold.lock"
KINDS = ("counter", "histogram", "summary")
"""The kinds of metrics that are added. The name of a file begins with the kind."""
SCRAPE_SECONDS = 1.0
"""Maximum seconds that a scrape waits for the end of a fold. A fold takes milliseconds."""

_held: dict[Path, int] = {}
"""The open lock file of each folder that this process holds. They stay open until it ends."""
_unfolded: set[int] = set()
"""Ids of dead workers. The master has not folded their values yet."""


def hold(folder: Path) -> None:
    """Mark `folder` as the folder of this process. A second call for it does nothing.

    The lock file gets its name only after it is locked. So no other process can lock it first.
    """
    if folder in _held:
        return
    new = folder / f"{MASTER_LOCK}.new"
    _held[folder] = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(_held[folder], fcntl.LOCK_EX)
    new.rename(folder / MASTER_LOCK)


def remove_abandoned(parent: Path) -> list[Path]:
    """Remove the folders in `parent` if all their processes have ended. Return these folders.

    Keeps a folder without a lock file: its master is just starting, or has an older version of this
    service. Keeps the folders of other users.
    """
    return [folder for folder in parent.glob(f"{PREFIX}*") if _remove_if_abandoned(folder)]


def add_dead(pid: int) -> None:
    """Let the next call of `fold` fold the files of this process."""
    _unfolded.add(pid)


def fold(folder: Path, live: Collection[int]) -> None:
    """Add the values of all dead workers into one file for each of KINDS.

    The totals of a scrape stay the same. If a scrape runs now, the next call folds the files: the
    master must not wait. A dead worker with an id in `live` keeps its files, because a new worker
    has the same id and uses them. Raises OSError if the file system is full; then the next call
    tries again.
    """
    _unfolded.difference_update(live)
    if not _unfolded:
        return
    with _flock(folder / FOLD_LOCK, fcntl.LOCK_EX) as is_locked:
        if is_locked:
            for kind in KINDS:
                _fold_kind(folder, kind, [folder / f"{kind}_{pid}.db" for pid in _unfolded])
            _unfolded.clear()


@contextlib.contextmanager
def no_fold(folder: Path) -> Iterator[None]:
    """Prevent a fold while this context is open. Raises Unavailable after SCRAPE_SECONDS."""
    deadline = time.monotonic() + SCRAPE_SECONDS
    while True:
        with _flock(folder / FOLD_LOCK, fcntl.LOCK_SH) as is_locked:
            if is_locked:
                yield
                return
        if time.monotonic() > deadline:
            raise Unavailable
        time.sleep(0.005)


def _remove_if_abandoned(folder: Path) -> bool:
    lock = folder / MASTER_LOCK
    try:
        if folder.lstat().st_uid != os.geteuid():
            return False
        opened = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # no lock file, or another process has removed the folder
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    except OSError:  # BlockingIOError: a process holds the lock
        return False
    finally:
        os.close(opened)
    return True


@contextlib.contextmanager
def _flock(path: Path, kind: int) -> Iterator[bool]:
    """Take a lock without waiting. The context gets False if another process holds the lock."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(opened, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(opened)


def _fold_kind(folder: Path, kind: str, dead: list[Path]) -> None:
    sources = [file for file in dead if file.exists()]
    if not sources:
        return
    # Imported here, because prometheus_client reads PROMETHEUS_MULTIPROC_DIR when it is imported.
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415

    folded = folder / f"{kind}_dead.db"
    totals: defaultdict[str, float] = defaultdict(float)
    size = 0
    for file in (folded, *sources):
        for key, value in _values(file):
            totals[key] += value
        size += file.stat().st_size if file.exists() else 0
    # A write to a mapped file kills the process if the file system is full. So reserve the space.
    new = folder / f"{kind}_dead.new"
    try:
        with new.open("wb") as reserved:
            os.posix_fallocate(reserved.fileno(), 0, size)
        written = MmapedDict(str(new))  # type: ignore[no-untyped-call]
        for key, value in totals.items():
            written.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
        written.close()  # type: ignore[no-untyped-call]
        new.replace(folded)
    finally:
        new.unlink(missing_ok=True)
    for file in sources:
        file.unlink()


def _values(file: Path) -> Iterator[tuple[str, float]]:
    """The values in a file of a process. The file may lack its end if the process was killed."""
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415

    with contextlib.suppress(FileNotFoundError, struct.error, RuntimeError):
        for key, value, *_ in MmapedDict.read_all_values_from_file(file):  # type: ignore[no-untyped-call]
            yield key, value
