"""`metadata`, in which all tables are registered, and `MOMENT`, the column type of a time."""

from __future__ import annotations

from sqlalchemy import DateTime, MetaData

metadata = MetaData()
MOMENT = DateTime(timezone=True)
