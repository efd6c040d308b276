"""Commands of `flask` for the archive; the same things as the worker does, by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import click
import psycopg
from sqlalchemy.exc import SQLAlchemyError

from resume_service.archive.cycle import ArchiveCycle
from resume_service.clock import system_clock
from resume_service.errors import Unavailable
from resume_service.lessons.video_completions import VideoCompletions
from resume_service.settings import Settings


def commands(settings: Settings) -> list[click.Command]:
    """`flask db-upgrade`, `flask flush` and `flask restore`."""

    @click.command("db-upgrade")
    def db_upgrade() -> None:
        """Bring the archive's tables up to date. Several may run at once."""
        from resume_service.postgres import migrate  # noqa: PLC0415 - Alembic is of no other use

        with one_line_errors():
            migrate.upgrade(_url(settings))
        click.echo("The archive's tables are up to date.")

    @click.command("flush")
    def flush() -> None:
        """Carry to the archive what waits for it, as the worker does every minute."""
        with one_line_errors():
            done = _archive(settings).cycle()
            with closing(VideoCompletions.at(_url(settings), system_clock)) as bridge:
                completed = bridge.run()
        flushed = done.flushed
        click.echo(f"{flushed.archived} archived, {flushed.erased} erased.")
        if done.restored:
            click.echo(f"Before that, {done.restored} restored: Redis had lost its data.")
        if completed:
            click.echo(f"{completed} lessons completed by viewings.")

    @click.command("restore")
    def restore() -> None:
        """Put back into Redis what the archive has of the last RESUME_TTL_DAYS."""
        with one_line_errors():
            restored = _archive(settings).restore(_progress_bar)
        click.echo(f"{restored} restored.")

    return [db_upgrade, flush, restore]


def _archive(settings: Settings) -> ArchiveCycle:
    _url(settings)
    return ArchiveCycle.of(settings, system_clock)


def _url(settings: Settings) -> str:
    if settings.database_url is None:
        raise click.ClickException("DATABASE_URL is not set: there is no archive")
    return settings.database_url


def _progress_bar(total: int) -> Callable[[int], None]:
    bar = click.progressbar(length=total, label="Restoring")
    bar.render_progress()

    def advance(points: int) -> None:
        bar.update(points)
        if bar.finished:
            bar.render_finish()

    return advance


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Tell a failure of either store in one line."""
    try:
        yield
    except (Unavailable, psycopg.Error, SQLAlchemyError, OSError) as fault:
        raise click.ClickException(" ".join(str(fault).split())) from fault
