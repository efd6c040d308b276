"""`flask flush` and `flask restore`: commands that run the worker's jobs once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import click

from resume_service.archive.cycle import ArchiveCycle
from resume_service.clock import system_clock
from resume_service.lessons.video_completions import VideoCompletions
from resume_service.postgres.cli import database_url, one_line_errors
from resume_service.settings import Settings


def commands(settings: Settings) -> list[click.Command]:
    """The commands `flask flush` and `flask restore`."""

    @click.command("flush")
    def flush() -> None:
        """Archive the saved points now, and erase the deleted points from the archive.

        The worker does this every FLUSH_INTERVAL_SECONDS.
        """
        with one_line_errors():
            result = _archive(settings).cycle()
            completions = VideoCompletions.at(database_url(settings), system_clock)
            with closing(completions):
                completed = completions.run()
        flushed = result.flushed
        click.echo(f"{flushed.archived} archived, {flushed.erased} erased.")
        if result.restored:
            click.echo(f"Before that, {result.restored} restored: Redis had lost its data.")
        if completed:
            click.echo(f"{completed} lessons completed by viewings.")

    @click.command("restore")
    def restore() -> None:
        """Copy the archived points of the last RESUME_TTL_DAYS back to Redis."""
        with one_line_errors():
            restored = _archive(settings).restore(_progress_bar)
        click.echo(f"{restored} restored.")

    return [flush, restore]


def _archive(settings: Settings) -> ArchiveCycle:
    database_url(settings)
    return ArchiveCycle.of(settings, system_clock)


def _progress_bar(total: int) -> Callable[[int], None]:
    bar = click.progressbar(length=total, label="Restoring")
    bar.render_progress()

    def advance(points: int) -> None:
        bar.update(points)
        if bar.finished:
            bar.render_finish()

    return advance
