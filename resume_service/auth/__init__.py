"""Tokens: verify them, sign them, and read the identity of the caller."""
