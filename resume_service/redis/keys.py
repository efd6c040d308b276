"""Escaping of ids in Redis keys."""

from __future__ import annotations


def escaped(an_id: str) -> str:
    return an_id.replace("%", "%25").replace(":", "%3A")


def unescaped(text: str) -> str:
    return text.replace("%3A", ":").replace("%25", "%")
