"""Tokens in, identity out."""
