"""What the tables of every part have in common."""

from __future__ import annotations

from sqlalchemy import DateTime, MetaData

metadata = MetaData()
MOMENT = DateTime(timezone=True)
