"""Lists by `?page=` and `?per_page=`, with `X-Total-Count` and `Link` (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from flask import Response, request
from marshmallow import Schema, ValidationError, fields

from resume_service.clock import epoch_ms, from_epoch_ms
from resume_service.ids import FORBIDDEN_IN_IDS, LONGEST_ID, is_id
from resume_service.paging import Cursor
from resume_service.postgres.pages import Page, PageRequest
from resume_service.web.messages import ApiRequest, flask_response, json_response

MAX_PER_PAGE = 100
DEFAULT_PER_PAGE = 20
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


MS_DIGITS = 13
"""Milliseconds since 1970, up to the year 2286."""


class PageSize(fields.Integer):
    """How many to return at most, as a query parameter."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        self._most = most
        limits = {"type": "integer", "minimum": 1, "maximum": most}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _validated(self, value: Any) -> int:
        digits = value.lstrip("0") if value.isascii() and value.isdigit() else ""
        if not 1 <= len(digits) <= len(str(self._most)) or int(digits) > self._most:
            raise ValidationError(f"Must be an integer from 1 to {self._most}.")
        return int(digits)


class PageCursor(fields.Field[Cursor]):
    """Where a page starts: opaque to the caller, taken from the link to the next page."""

    def __init__(self, **kwargs: Any) -> None:
        pattern = rf"^[0-9]{{1,{MS_DIGITS}}}-[^{FORBIDDEN_IN_IDS}]{{1,{LONGEST_ID}}}$"
        limits = {"type": "string", "pattern": pattern}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    @staticmethod
    def text(cursor: Cursor) -> str:
        return f"{epoch_ms(cursor.updated_at)}-{cursor.video_id}"

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Cursor:
        ms, _dash, video_id = value.partition("-")
        if not (ms.isascii() and ms.isdigit() and len(ms) <= MS_DIGITS and is_id(video_id)):
            raise ValidationError("Must be the cursor of a link to a next page.")
        return Cursor(from_epoch_ms(int(ms)), video_id)


class PageQuery(Schema):
    page = PageSize(most=LAST_PAGE, load_default=1, metadata={"description": "From 1 on."})
    per_page = PageSize(
        most=MAX_PER_PAGE, load_default=DEFAULT_PER_PAGE, metadata={"description": "Items a page."}
    )


def page_request(query: Mapping[str, Any]) -> PageRequest:
    """The page that a loaded PageQuery asks for."""
    return PageRequest(query["page"], query["per_page"])


def page_response(
    part: PageRequest, page: Page[Item], made: Callable[[Item], dict[str, Any]]
) -> Response:
    """The answer with that page of a list."""
    response = flask_response(json_response([made(item) for item in page.items]))
    response.headers["X-Total-Count"] = str(page.total)
    last = max(1, -(-page.total // part.per_page))
    numbers = {"first": 1, "prev": part.page - 1, "next": part.page + 1, "last": last}
    there = {rel: number for rel, number in numbers.items() if 1 <= number <= last}
    links = [f'<{_url(number)}>; rel="{rel}"' for rel, number in there.items()]
    response.headers["Link"] = ", ".join(links)
    return response


def _url(number: int) -> str:
    return f"{request.path}?{urlencode(request.args.to_dict() | {'page': str(number)})}"


def page_url(ask: ApiRequest, start: Cursor) -> str:
    """The path and query as they were asked, from `start` on."""
    given = parse_qsl(ask.query, keep_blank_values=True)
    kept = [(name, value) for name, value in given if name != "cursor"]
    return f"{quote(ask.path)}?{urlencode([*kept, ('cursor', PageCursor.text(start))])}"
