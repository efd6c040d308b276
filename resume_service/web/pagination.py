"""Numbered pages and keyset pagination, in query parameters and response headers.

A response with a numbered page has the headers `X-Total-Count` and `Link` (RFC 8288). With keyset
pagination, a cursor in the query contains the last item of the previous page.
"""

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
"""The largest number of a page that a client may request."""
Item = TypeVar("Item")

HEADERS = {
    "X-Total-Count": {
        "description": "Number of items on all pages.",
        "schema": {"type": "integer"},
    },
    "Link": {
        "description": "URLs of the pages `first`, `prev`, `next`, `last`.",
        "schema": {"type": "string"},
    },
}
"""Response headers of a numbered page, for the OpenAPI document."""

MS_DIGITS = 13
"""Maximum number of digits of a time in a cursor, in milliseconds since 1970.

Times up to the year 2286 have at most this number of digits.
"""


class PageSize(fields.Integer):
    """A query parameter that is an integer from 1 to `most`."""

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
    """A query parameter that selects the page after a cursor.

    Clients get its value from the link to the next page. Clients must not create the value.
    """

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
    page = PageSize(
        most=LAST_PAGE, load_default=1, metadata={"description": "The number of the page, from 1."}
    )
    per_page = PageSize(
        most=MAX_PER_PAGE,
        load_default=DEFAULT_PER_PAGE,
        metadata={"description": "Items per page."},
    )


def page_request(query: Mapping[str, Any]) -> PageRequest:
    """Return the page that `query` requests. `query` is the result of PageQuery."""
    return PageRequest(query["page"], query["per_page"])


def page_response(
    requested: PageRequest, page: Page[Item], to_json: Callable[[Item], dict[str, Any]]
) -> Response:
    """Return the response with one page of a list. Set the headers `X-Total-Count` and `Link`."""
    response = flask_response(json_response([to_json(item) for item in page.items]))
    response.headers["X-Total-Count"] = str(page.total)
    last = max(1, -(-page.total // requested.per_page))
    numbers = {"first": 1, "prev": requested.page - 1, "next": requested.page + 1, "last": last}
    existing = {rel: number for rel, number in numbers.items() if 1 <= number <= last}
    links = [f'<{_url(number)}>; rel="{rel}"' for rel, number in existing.items()]
    response.headers["Link"] = ", ".join(links)
    return response


def _url(number: int) -> str:
    return f"{request.path}?{urlencode(request.args.to_dict() | {'page': str(number)})}"


def page_url(api_request: ApiRequest, start: Cursor) -> str:
    """Return the path and query of `api_request`, with `start` as the cursor."""
    parameters = parse_qsl(api_request.query, keep_blank_values=True)
    others = [(name, value) for name, value in parameters if name != "cursor"]
    query = urlencode([*others, ("cursor", PageCursor.text(start))])
    return f"{quote(api_request.path)}?{query}"
