"""Access to Postgres for the archive, the accounts, the catalogue and the lessons."""
