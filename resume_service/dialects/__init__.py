"""One vocabulary a file, its fields in one beside it: URLs, names and statuses of an API over the core."""
