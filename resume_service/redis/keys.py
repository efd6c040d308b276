"""Escapes ids in Redis keys: `:` separates the parts of a key."""

from __future__ import annotations


def escaped(text: str) -> str:
    return text.replace("%", "%25").replace(":", "%3A")


def unescaped(text: str) -> str:
    return text.replace("%3A", ":").replace("%25", "%")
