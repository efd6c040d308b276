"""All SQL tables of the service.

A test checks that the migrations in `migrations/` create exactly these tables.
"""

from __future__ import annotations

from resume_service.accounts import tables as accounts
from resume_service.archive import tables as archive
from resume_service.catalogue import tables as catalogue
from resume_service.lessons import tables as lessons
from resume_service.postgres.metadata import metadata

__all__ = ["accounts", "archive", "catalogue", "lessons", "metadata"]
