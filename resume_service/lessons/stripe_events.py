"""Creates and changes enrollments when Stripe sends events.

For each change of a subscription, Stripe sends an event: it calls a webhook of this service.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import sqlalchemy
import structlog
from sqlalchemy import func, tuple_
from sqlalchemy.dialects.postgresql import insert

from resume_service.errors import BadRequest
from resume_service.ids import user_id_errors
from resume_service.lessons.tables import enrollments, stripe_events
from resume_service.postgres.database import Database

RANKS = {
    "customer.subscription.created": 0,
    "customer.subscription.updated": 1,
    "customer.subscription.deleted": 2,
}
"""The order of events with the same time.

Two events can have the same time, because Stripe gives times in whole seconds.
"""
TOLERANCE_SECONDS = 300
"""Maximum age of a signature in seconds.

If Stripe sends an event again, the event has a new signature. So retries are not too old.
"""
EVENT_RETENTION = timedelta(days=90)
"""Time until the id of an event is deleted. Until then, the same event is not applied again.

Stripe retries an event for at most 30 days.
"""

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


class Subscriptions:
    """Applies each event once. Ignores an event if a newer event of its subscription was applied.

    A user may have several subscriptions. Each subscription is a separate enrollment. So the end of
    an old subscription does not end the access that a new subscription gives.
    """

    def __init__(self, database: Database, secret: str) -> None:
        # The import takes 0.3 s and 20 MB. So only installations with Stripe import the library.
        from stripe import SignatureVerificationError, WebhookSignature  # noqa: PLC0415

        self._database = database
        self._secret = secret
        self._verify_header: Callable[..., Any] = WebhookSignature.verify_header
        self._signature_errors = (SignatureVerificationError, UnicodeDecodeError)

    def receive(self, payload: bytes, signature: str | None) -> None:
        """Apply the event in `payload`.

        Raises BadRequest if the signature is wrong, or if the body is not JSON. Raises Unavailable
        if Postgres fails.
        """
        ascii_signature = signature if signature and signature.isascii() else None
        try:
            self._verify_header(payload, ascii_signature, self._secret, TOLERANCE_SECONDS)
            event = json.loads(payload)
        except self._signature_errors:
            raise BadRequest("The signature does not match") from None
        except ValueError:
            raise BadRequest("The body is not JSON") from None
        change = subscription_of(event)
        if change:
            self._apply(change)

    def _apply(self, change: Subscription) -> None:
        new_event = insert(stripe_events).values(id=change.event_id).on_conflict_do_nothing()
        is_old = stripe_events.c.received_at < func.now() - EVENT_RETENTION
        with self._database.transaction() as sql:
            if sql.execute(new_event.returning(stripe_events.c.id)).all():
                sql.execute(stripe_events.delete().where(is_old))
                sql.execute(_upsert(change))


def subscription_of(event: Any) -> Subscription | None:
    """The state of the subscription in `event`. None if `event` is not about a user's subscription.

    The platform writes `metadata.user_id`, and Stripe signs the event. So the id may be the `sub` of
    any user, also of an account. It can only give access: each subscription has its own enrollment.
    """
    if not isinstance(event, Mapping) or event.get("type") not in RANKS:
        return None
    subscription = event["data"]["object"]
    user_id = (subscription.get("metadata") or {}).get("user_id")
    if not isinstance(user_id, str) or user_id_errors(user_id):
        _log.warning("subscription of no user", subscription=subscription["id"])
        return None
    rank = RANKS[event["type"]]
    return Subscription(
        event["id"],
        datetime.fromtimestamp(event["created"], UTC),
        rank,
        subscription["id"],
        user_id,
        "canceled" if rank == max(RANKS.values()) else subscription["status"],
        _period_end(subscription),
    )


def _period_end(subscription: Mapping[str, Any]) -> datetime | None:
    """The latest `current_period_end` of the subscription and its items.

    Before version 2025-03-31 of Stripe's API, the subscription has this field. Since this version,
    each item of the subscription has the field.
    """
    items = (subscription.get("items") or {}).get("data", [])
    ends = [each.get("current_period_end") for each in (subscription, *items)]
    known_ends = [end for end in ends if end is not None]
    return datetime.fromtimestamp(max(known_ends), UTC) if known_ends else None


def _upsert(change: Subscription) -> sqlalchemy.Insert:
    new = insert(enrollments).values(
        id=uuid4(),
        user_id=change.user_id,
        status=change.status,
        current_period_end=change.current_period_end,
        stripe_subscription_id=change.subscription_id,
        stripe_event_at=change.at,
        stripe_event_rank=change.rank,
    )
    names = ("user_id", "status", "current_period_end", "stripe_event_at", "stripe_event_rank")
    stored = tuple_(enrollments.c.stripe_event_at, enrollments.c.stripe_event_rank)
    return new.on_conflict_do_update(
        index_elements=["stripe_subscription_id"],
        set_={name: new.excluded[name] for name in names} | {"updated_at": func.now()},
        where=stored <= tuple_(new.excluded.stripe_event_at, new.excluded.stripe_event_rank),
    )
