"""Creates and changes enrollments when Stripe sends events.

For each change of a subscription, Stripe sends an event: it calls a webhook of this service.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn
from uuid import uuid4

import sqlalchemy
from sqlalchemy import func, tuple_
from sqlalchemy.dialects.postgresql import insert

from resume_service.errors import BadRequest
from resume_service.lessons.stripe_content import Subscription, subscription_of
from resume_service.lessons.tables import enrollments, stripe_events
from resume_service.postgres.database import Database

TOLERANCE_SECONDS = 300
"""Maximum age of a signature in seconds.

If Stripe sends an event again, the event has a new signature. So retries are not too old.
"""
EVENT_RETENTION = timedelta(days=90)
"""Time until the id of an event is deleted. Until then, the same event is not applied again.

Stripe retries an event for at most 30 days.
"""


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

        Raises BadRequest if the signature is wrong, if the body is not JSON, or if the event is
        malformed. Raises Unavailable if Postgres fails.
        """
        ascii_signature = signature if signature and signature.isascii() else None
        try:
            self._verify_header(payload, ascii_signature, self._secret, TOLERANCE_SECONDS)
            event = json.loads(payload, parse_constant=_reject_constant)
        except self._signature_errors:
            raise BadRequest("The signature does not match") from None
        except (ValueError, RecursionError):
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


def _reject_constant(name: str) -> NoReturn:
    """Raise ValueError for NaN and Infinity. Python's parser accepts them, JSON does not."""
    raise ValueError(name)


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
