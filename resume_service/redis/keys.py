"""Escapes ids that are part of a Redis key, because `:` separates the parts of a key."""

from __future__ import annotations


def escaped(text: str) -> str:
    return text.replace("%", "%25").replace(":", "%3A")


def unescaped(text: str) -> str:
    return text.replace("%3A", ":").replace("%25", "%")
