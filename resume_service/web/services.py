"""The services that routes use, found by their class. `wiring.py` fills this once."""

from __future__ import annotations

from typing import TypeVar, cast

from flask import current_app

from resume_service.errors import NotFound

Service = TypeVar("Service")


class Services:
    """One service of each class."""

    def __init__(self, *services: object) -> None:
        self._services = {type(service): service for service in services}

    def find(self, kind: type[Service]) -> Service | None:
        """The service of this class, or None if the settings do not enable it."""
        return cast("Service | None", self._services.get(kind))

    def get(self, kind: type[Service]) -> Service:
        """As `find`. Raises NotFound if the settings do not enable the service."""
        service = self.find(kind)
        if service is None:
            raise NotFound
        return service


def services() -> Services:
    """The services of the current Flask application."""
    return cast("Services", current_app.extensions["resume_service"])
