"""Development tools: real Redis and Postgres servers from Python packages, and the `make` targets."""
