"""The metadata of all tables, and the column type of a time."""

from __future__ import annotations

from sqlalchemy import DateTime, MetaData

metadata = MetaData()
MOMENT = DateTime(timezone=True)
