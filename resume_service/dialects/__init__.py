"""One vocabulary a file: URLs, field names and statuses of one API over the core."""
