"""Schemas and examples of the routes with the same names."""
