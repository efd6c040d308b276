"""The archive: points that outlive Redis, in Postgres."""
