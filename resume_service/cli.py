"""Commands of `flask`."""

from __future__ import annotations

import time

import click
import jwt

from resume_service.auth.identity import Role
from resume_service.auth.tokens import HMAC_ALGORITHM
from resume_service.ids import user_id_faults
from resume_service.settings import Settings

MOST_HOURS = 24 * 366 * 10


def token_command(settings: Settings) -> click.Command:
    """The command `flask token`."""

    @click.command("token")
    @click.argument("user")
    @click.option("--role", type=click.Choice([str(role) for role in Role]), default=None)
    @click.option("--hours", type=click.IntRange(1, MOST_HOURS), default=24, show_default=True)
    def token(user: str, role: str | None, hours: int) -> None:
        """Print a token for USER, signed with JWT_SECRET."""
        if faults := user_id_faults(user):
            raise click.BadParameter(" ".join(faults), param_hint="USER")
        click.echo(token_for(user, settings, role=role, hours=hours))

    return token


def token_for(user: str, settings: Settings, *, role: str | None = None, hours: int = 24) -> str:
    """A token signed with JWT_SECRET. Raises click.ClickException when that is not set."""
    if settings.jwt_secret is None:
        raise click.ClickException(
            "JWT_SECRET is not set: only the issuer of JWT_JWKS_URL can sign"
        )
    claims = {
        "sub": user,
        "role": role,
        "exp": int(time.time()) + hours * 3600,
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience,
        "azp": next(iter(settings.jwt_authorized_parties), None),
    }
    known = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(known, settings.jwt_secret, HMAC_ALGORITHM)
