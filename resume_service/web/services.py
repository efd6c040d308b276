"""The services that routes use, found by their class. `wiring.py` fills this once."""

from __future__ import annotations

from typing import TypeVar, cast

from flask import current_app

from resume_service.errors import NotFound

Part = TypeVar("Part")


class Services:
    """One service of each class."""

    def __init__(self, *parts: object) -> None:
        self._parts = {type(part): part for part in parts}

    def find(self, kind: type[Part]) -> Part | None:
        """The service of this class, or None if the settings leave it out."""
        return cast("Part | None", self._parts.get(kind))

    def get(self, kind: type[Part]) -> Part:
        """As `find`. Raises NotFound if the settings leave the service out."""
        part = self.find(kind)
        if part is None:
            raise NotFound
        return part


def services() -> Services:
    """The services of the current Flask application."""
    return cast("Services", current_app.extensions["resume_service"])
