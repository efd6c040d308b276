"""Store when a user's password changed, to refuse older access tokens.

A trigger sets the time. So it is also set if the previous version of the service or a manual SQL
statement changes the password.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The time of the statement, not of the transaction: two changes of a user never have the same time,
# because the second waits for the first.
FUNCTION = """
CREATE FUNCTION set_password_changed_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.password_changed_at = clock_timestamp();
  RETURN NEW;
END
$$
"""
TRIGGER = """
CREATE TRIGGER password_changed BEFORE UPDATE OF password_hash ON users FOR EACH ROW
  WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash)
  EXECUTE FUNCTION set_password_changed_at()
"""


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    column = sa.Column("password_changed_at", moment, comment="set by a trigger; null: never")
    op.add_column("users", column)
    op.execute(FUNCTION)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER password_changed ON users")
    op.execute("DROP FUNCTION set_password_changed_at()")
    op.drop_column("users", "password_changed_at")
