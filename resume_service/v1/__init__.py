"""The routes of `/v1`: companies, users, sign-in, videos, streaming, view logs."""
