"""The archive: a copy of all points in Postgres. It also has points that expired in Redis."""
