"""Schemas of request bodies, queries and responses."""
