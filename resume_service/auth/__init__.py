"""Verifies and signs tokens, and identifies the caller of a request by its token."""
