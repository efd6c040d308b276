"""Loads the query parameters of the fast lane."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from marshmallow import Schema, ValidationError

MOST_QUERIES = 256
"""Maximum number of cached queries. Most requests have one of a few queries."""
QueryLoader = Callable[[str], dict[str, Any] | None]


def query_loader(schema: Schema) -> QueryLoader:
    """Return a function that returns the same as `schema.load` for the parameters in a query.

    It returns None if the query is invalid or unusual. It is unusual if it contains an escape, for
    example. Then the Flask route decides.
    """

    @functools.lru_cache(maxsize=MOST_QUERIES)
    def load_query(query: str) -> dict[str, Any] | None:
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        if "%" in query or ";" in query or len(parameters) != query.count("="):
            return None
        try:
            return dict(schema.load(parameters))
        except ValidationError:
            return None

    return load_query
