"""Reads the state of a subscription from an event of Stripe. Checks every field that it reads.

Content that Stripe never sends is malformed: a missing field, a field of another type, or a time
beyond the year 9999. The signature does not prevent it, for example if a test tool signs the event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog

from resume_service.errors import BadRequest
from resume_service.ids import user_id_errors

RANKS = {
    "customer.subscription.created": 0,
    "customer.subscription.updated": 1,
    "customer.subscription.deleted": 2,
}
"""The order of events with the same time.

Two events can have the same time, because Stripe gives times in whole seconds.
"""
LAST_SECOND = 253_402_300_799
"""The last second of the year 9999, in seconds since 1970. Later times are no `datetime`."""

# Postgres can't store NUL, and UTF-8 can't encode surrogates. Stripe's ids have at most 255 characters.
_is_text = re.compile(r"[^\u0000-\u001f\ud800-\udfff]{1,255}").fullmatch
_log = structlog.get_logger(__name__)


class Subscription(NamedTuple):
    """The state of a subscription, as one event describes it."""

    event_id: str
    at: datetime
    """Time of the event, in whole seconds."""
    rank: int
    """The order among events with the same time (see RANKS)."""
    subscription_id: str
    user_id: str
    status: str
    current_period_end: datetime | None


def subscription_of(event: Any) -> Subscription | None:
    """The state of the subscription in `event`. None if `event` is not about a user's subscription.

    The platform writes `metadata.user_id`, and Stripe signs the event. So the id may be the `sub` of
    any user, also of an account. It can only give access: each subscription has its own enrollment.
    Raises BadRequest if a field that is read is malformed.
    """
    given = _object(event, "the event")
    event_type = _text(given, "type")
    if event_type not in RANKS:
        return None
    rank = RANKS[event_type]
    subscription = _object(_object(given.get("data"), "data").get("object"), "data.object")
    user_id = _object(subscription.get("metadata"), "metadata").get("user_id", "")
    if not isinstance(user_id, str):
        raise _malformed("metadata.user_id")
    state = Subscription(
        _text(given, "id"),
        _moment(given, "created"),
        rank,
        _text(subscription, "id"),
        user_id,
        "canceled" if rank == max(RANKS.values()) else _text(subscription, "status"),
        _period_end(subscription),
    )
    if user_id_errors(user_id):
        _log.warning("subscription of no user", subscription=state.subscription_id)
        return None
    return state


def _period_end(subscription: Mapping[str, Any]) -> datetime | None:
    """The latest `current_period_end` of the subscription and its items.

    Before version 2025-03-31 of Stripe's API, the subscription has this field. Since this version,
    each item of the subscription has the field.
    """
    items = subscription.get("items")
    listed = [] if items is None else _object(items, "items").get("data", [])
    if not isinstance(listed, list):
        raise _malformed("items.data")
    holders = [subscription, *(_object(item, "an item") for item in listed)]
    name = "current_period_end"
    ends = [_moment(each, name) for each in holders if each.get(name) is not None]
    return max(ends, default=None)


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _malformed(name)
    return value


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not _is_text(value):
        raise _malformed(name)
    return value


def _moment(holder: Mapping[str, Any], name: str) -> datetime:
    """The time in the field `name`, in whole seconds since 1970."""
    value = holder.get(name)
    if type(value) is not int or not 0 <= value <= LAST_SECOND:
        raise _malformed(name)
    return datetime.fromtimestamp(value, UTC)


def _malformed(name: str) -> BadRequest:
    _log.warning("malformed event of Stripe", field=name)
    return BadRequest(f"The event is malformed: {name}")
