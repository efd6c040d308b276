"""The way to Postgres that the archive, the accounts, the catalogue and the lessons share."""
