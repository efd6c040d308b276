"""The command `flask token`, which prints a token."""

from __future__ import annotations

from datetime import timedelta

import click

from resume_service.auth.identity import Role
from resume_service.auth.issuer import Issuer
from resume_service.clock import system_clock
from resume_service.ids import user_id_errors
from resume_service.settings import Settings

MAX_HOURS = 24 * 366 * 10
"""Maximum number of hours until a token expires: ten years."""


def token_command(settings: Settings) -> click.Command:
    """The command `flask token`."""

    @click.command("token")
    @click.argument("user")
    @click.option("--role", type=click.Choice([str(role) for role in Role]), default=None)
    @click.option("--hours", type=click.IntRange(1, MAX_HOURS), default=24, show_default=True)
    def token(user: str, role: str | None, hours: int) -> None:
        """Print a token for USER, signed with JWT_SECRET."""
        if errors := user_id_errors(user):
            raise click.BadParameter(" ".join(errors), param_hint="USER")
        click.echo(token_for(user, settings, role=role, hours=hours))

    return token


def token_for(user: str, settings: Settings, *, role: str | None = None, hours: int = 24) -> str:
    """Return a token signed with JWT_SECRET. Raises click.ClickException if it is not set."""
    issuer = Issuer.from_settings(settings)
    if issuer is None:
        raise click.ClickException(
            "JWT_SECRET is not set: only the issuer of JWT_JWKS_URL can sign"
        )
    now = system_clock()
    return issuer.token(user, at=now, lifetime=timedelta(hours=hours), role=role)
