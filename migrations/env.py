"""Runs the migrations of Alembic, on the connection from `resume_service.postgres.migrate`."""

from __future__ import annotations

from alembic import context

from resume_service.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
