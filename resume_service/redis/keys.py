"""Escapes ids that are part of a Redis key, because `:` separates the parts of a key."""

from __future__ import annotations


def escaped(text: str) -> str:
    if ":" in text or "%" in text:  # almost no id: 0.06 us instead of 0.15
        return text.replace("%", "%25").replace(":", "%3A")
    return text


def unescaped(text: str) -> str:
    return text.replace("%3A", ":").replace("%25", "%") if "%" in text else text
