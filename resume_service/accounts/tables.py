"""The tables of companies, users and their sign-ins."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from resume_service.postgres.metadata import MOMENT, metadata

IN_USE = text("deleted_at IS NULL")
"""Condition of the partial indexes. A new row may use the name or address of a deleted row."""

corporations = Table(
    "corporations",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("plan", Text, nullable=False, comment="as stored: PAID counts as FREE once expired"),
    Column("plan_expires_at", MOMENT, comment="null: never"),
    Column("created_at", MOMENT, nullable=False, server_default=func.now()),
    Column("updated_at", MOMENT, nullable=False, server_default=func.now()),
    Column("deleted_at", MOMENT),
    CheckConstraint("plan IN ('FREE', 'PAID')", name="corporations_plan"),
    Index("corporations_name", "name", unique=True, postgresql_where=IN_USE),
    Index(
        "corporations_expiring",
        "plan_expires_at",
        postgresql_where=text("plan = 'PAID' AND plan_expires_at IS NOT NULL"),
    ),
)

users = Table(
    "users",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("email", Text, nullable=False, comment="in lower case"),
    Column("password_hash", Text, nullable=False, comment="argon2id"),
    Column("role", Text, nullable=False),
    Column("corporation_id", BigInteger, ForeignKey("corporations.id"), nullable=False),
    Column("points", Integer, nullable=False, server_default="0"),
    Column("created_at", MOMENT, nullable=False, server_default=func.now()),
    Column("updated_at", MOMENT, nullable=False, server_default=func.now()),
    Column("deleted_at", MOMENT),
    Column("password_changed_at", MOMENT, comment="set by a trigger; null: never"),
    CheckConstraint("role IN ('admin', 'guest')", name="users_role"),
    Index("users_email", "email", unique=True, postgresql_where=IN_USE),
    Index("users_of_corporation", "corporation_id", "id", postgresql_where=IN_USE),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("family", Uuid, nullable=False, comment="the sign-in it goes back to"),
    Column("token_hash", LargeBinary, nullable=False, unique=True, comment="SHA-256"),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("spent_at", MOMENT, comment="when it was changed for a new one"),
    Column("revoked_at", MOMENT),
    Index("refresh_tokens_of_user", "user_id", "id"),
    Index("refresh_tokens_of_family", "family"),
    Index("refresh_tokens_expiring", "expires_at"),
)
