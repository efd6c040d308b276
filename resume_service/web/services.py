"""Gives routes the objects that they use, such as the store of points. Each class has one object.

`wiring.py` creates all of them when the application starts.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from flask import current_app

from resume_service.errors import NotFound

Service = TypeVar("Service")


class Services:
    """Contains at most one service of each class. A route gets a service by the class."""

    def __init__(self, *services: object) -> None:
        self._services: dict[type, Any] = {type(service): service for service in services}

    def find(self, kind: type[Service]) -> Service | None:
        """Return the service of this class, or None if the settings do not enable the service."""
        service: Service | None = self._services.get(kind)
        return service

    def get(self, kind: type[Service]) -> Service:
        """Return the service of this class. Raises NotFound if the settings do not enable it."""
        service: Service | None = self._services.get(kind)
        if service is None:
            raise NotFound
        return service


def services() -> Services:
    """Return the services of the current Flask application."""
    return cast("Services", current_app.extensions["resume_service"])
