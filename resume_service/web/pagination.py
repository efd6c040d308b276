"""Lists by `?page=` and `?per_page=`, with `X-Total-Count` and `Link` (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request
from marshmallow import Schema

from resume_service.postgres.pages import Page, Slice
from resume_service.web.fields import PageSize
from resume_service.web.messages import json_answer, respond

MOST = 100
USUAL = 20
LAST_PAGE = 1_000_000
Item = TypeVar("Item")

HEADERS = {
    "X-Total-Count": {"description": "Items on all pages.", "schema": {"type": "integer"}},
    "Link": {
        "description": "Pages `first`, `prev`, `next`, `last`.",
        "schema": {"type": "string"},
    },
}
"""Of a list's answer."""


class PageQuery(Schema):
    page = PageSize(most=LAST_PAGE, load_default=1, metadata={"description": "From 1 on."})
    per_page = PageSize(most=MOST, load_default=USUAL, metadata={"description": "Items a page."})


def slice_of(query: Mapping[str, Any]) -> Slice:
    """The page that a loaded PageQuery asks for."""
    return Slice(query["page"], query["per_page"])


def listed(part: Slice, page: Page[Item], made: Callable[[Item], dict[str, Any]]) -> Response:
    """The answer with that page of a list."""
    response = respond(json_answer([made(item) for item in page.items]))
    response.headers["X-Total-Count"] = str(page.total)
    last = max(1, -(-page.total // part.per_page))
    numbers = {"first": 1, "prev": part.page - 1, "next": part.page + 1, "last": last}
    there = {rel: number for rel, number in numbers.items() if 1 <= number <= last}
    links = [f'<{_url(number)}>; rel="{rel}"' for rel, number in there.items()]
    response.headers["Link"] = ", ".join(links)
    return response


def _url(number: int) -> str:
    return f"{request.path}?{urlencode(request.args.to_dict() | {'page': str(number)})}"
