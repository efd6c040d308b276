"""How Alembic runs the migrations: on the connection that resume_service.postgres.migrate gives."""

from __future__ import annotations

from alembic import context

from resume_service.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
