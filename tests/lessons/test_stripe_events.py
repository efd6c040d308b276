"""Stripe's events enrol: signed as Stripe signs, each applied once, in the order of what happened."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from itertools import permutations

import pytest
from stripe import WebhookSignature

from tests.support.load_clients import at_once

SECRET = "whsec_of_the_tests"
DAY = 86_400
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())


def event(kind="created", at=0, *, status="active", user="ann", ends=DAY, sub="sub_1", **more):
    """An event `at` seconds after noon; the period of its subscription ends a day after noon."""
    subscription = {"id": sub, "object": "subscription", "status": status, "metadata": {}}
    if user is not None:
        subscription["metadata"] = {"user_id": user}
    if ends is not None:
        subscription["items"] = {"data": [{"current_period_end": NOON + ends}]}
    return {
        "id": f"evt_{sub}_{kind}_{at}_{status}", "object": "event", "created": NOON + at,
        "type": f"customer.subscription.{kind}", "data": {"object": subscription},
    } | more  # fmt: skip


@pytest.fixture
def stripe(client):
    def send(given, *, secret=SECRET, signed_at=None, **headers):
        payload = given if isinstance(given, str) else json.dumps(given)
        signature = WebhookSignature.generate_signature_header(payload, secret, signed_at)
        return client.post(
            "/v1/billing/stripe", data=payload, content_type="application/json",
            headers={"Stripe-Signature": signature} | headers,
        )  # fmt: skip

    return send


@pytest.fixture
def is_enrolled(room):
    lesson = room.lesson()
    return lambda user="ann": room.learner(user).mark(lesson).status_code == 200


def rows(sql):
    return sql.execute("SELECT * FROM enrollments ORDER BY id").fetchall()


def test_the_life_of_a_subscription_opens_the_course_and_closes_it(room, stripe, is_enrolled):
    seen = []
    for given in (
        event("created", 0, status="incomplete"),
        event("updated", 10, status="trialing"),
        event("updated", 20, status="active"),
        event("updated", 30, status="past_due"),
        event("updated", 40, status="active"),
        event("deleted", 50, status="active"),
    ):
        answer = stripe(given)
        assert (answer.status_code, answer.get_json()) == (200, {"received": True})
        seen.append(is_enrolled())

    assert seen == [False, True, True, False, True, False]
    assert len(rows(room.sql)) == 1


def test_the_period_of_a_subscription_ends_it(room, stripe, is_enrolled):
    stripe(event(ends=60))
    assert is_enrolled()
    room.pass_time(seconds=60)
    assert not is_enrolled()
    stripe(event("updated", 90, ends=DAY))
    assert is_enrolled()


def test_the_period_is_read_as_older_versions_of_stripe_write_it(room, stripe):
    given = event(ends=None)
    given["data"]["object"]["current_period_end"] = NOON + 5
    stripe(given)

    [[ends]] = room.sql.execute("SELECT current_period_end FROM enrollments").fetchall()
    assert ends.timestamp() == NOON + 5


def test_an_event_seen_before_changes_nothing_even_within_its_second(room, stripe, is_enrolled):
    first, second = event("updated", 5, status="past_due"), event("updated", 5, status="active")
    stripe(first), stripe(second)
    before = rows(room.sql)

    assert stripe(first).status_code == 200
    assert rows(room.sql) == before
    assert is_enrolled()


def test_an_event_seen_before_does_not_bring_back_what_an_admin_deleted(room, stripe, is_enrolled):
    stripe(event())
    room.sql.execute("DELETE FROM enrollments")

    assert stripe(event()).status_code == 200
    assert not is_enrolled()


ORDERS = tuple(permutations(range(3)))
LIFE = [event("created", 0), event("updated", 10, status="past_due"), event("deleted", 20)]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_events_in_any_order_end_where_the_newest_says(room, stripe, is_enrolled, order):
    for number in order:
        assert stripe(LIFE[number]).status_code == 200

    assert not is_enrolled()
    [[status]] = room.sql.execute("SELECT status FROM enrollments").fetchall()
    assert status == "canceled"


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_events_of_one_second_apply_in_the_order_in_which_they_can_have_happened(
    room, stripe, order
):
    life = [event("created"), event("updated", status="trialing"), event("deleted")]
    for number in order:
        stripe(life[number])

    [[status]] = room.sql.execute("SELECT status FROM enrollments").fetchall()
    assert status == "canceled"


def test_the_end_of_an_old_subscription_takes_nothing_from_a_new_one(room, stripe, is_enrolled):
    stripe(event("created", 0, sub="sub_old"))
    stripe(event("created", 100, sub="sub_new"))
    stripe(event("deleted", 200, sub="sub_old"))

    assert is_enrolled()
    assert len(rows(room.sql)) == 2


def test_deliveries_that_race_apply_once_and_end_where_the_newest_says(apps, room):
    events = [event("updated", n, status=("past_due", "active")[n % 2]) for n in range(8)] * 2

    def deliver(number):
        payload = json.dumps(events[number])
        headers = {"Stripe-Signature": WebhookSignature.generate_signature_header(payload, SECRET)}
        send = apps().test_client().post
        status = 503
        while status == 503:  # Stripe sends again
            answer = send("/v1/billing/stripe", data=payload, headers=headers)
            status = answer.status_code
        return status

    assert at_once(16, deliver) == [200] * 16
    [(status, at)] = room.sql.execute("SELECT status, stripe_event_at FROM enrollments").fetchall()
    assert (status, at.timestamp()) == ("active", NOON + 7)
    [[seen]] = room.sql.execute("SELECT count(*) FROM stripe_events").fetchall()
    assert seen == 8


def test_what_is_not_signed_by_stripe_is_a_400_and_changes_nothing(room, client, stripe):
    good = json.dumps(event())
    header = WebhookSignature.generate_signature_header(good, SECRET)
    stamp, signature = header.split(",")

    def send(payload, **headers):
        return client.post("/v1/billing/stripe", data=payload, headers=headers)

    refused = [
        send(good),
        send(good, **{"Stripe-Signature": ""}),
        send(good, **{"Stripe-Signature": "nonsense"}),
        send(good, **{"Stripe-Signature": signature}),
        send(good, **{"Stripe-Signature": stamp}),
        send(good, **{"Stripe-Signature": f"{stamp}, {signature[:-1]}0, v1=é"}),
        send(good, **{"Stripe-Signature": f"{stamp},v1=é,{signature}"}),
        send(good, **{"Stripe-Signature": f"t={int(time.time()) + 1},{signature}"}),
        send(good, **{"Stripe-Signature": header.replace("v1=", "v0=")}),
        send(good.replace("ann", "bob"), **{"Stripe-Signature": header}),
        send(good + " ", **{"Stripe-Signature": header}),
        send(b"\xff" + good.encode(), **{"Stripe-Signature": header}),
        send("", **{"Stripe-Signature": header}),
        stripe(event(), secret="whsec_of_somebody_else"),
        stripe(event(), signed_at=int(time.time()) - 301),
    ]

    assert {(each.status_code, each.text) for each in refused} == {
        (400, '{"error":"The signature does not match"}\n')
    }
    assert rows(room.sql) == []


def test_a_signed_body_that_is_no_json_is_a_400(stripe):
    assert stripe("{").get_json() == {"error": "The body is not JSON"}


@pytest.mark.parametrize(
    "given",
    [
        event(user=None), event(user=""), event(user="a b"), event(user=7), event("paused"),
        event(type="invoice.paid"), event(type=None), [], {}, "null",
    ],
    ids=str,
)  # fmt: skip
def test_an_event_of_no_user_of_ours_or_of_something_else_is_taken_and_changes_nothing(
    room, stripe, given
):
    assert stripe(given).status_code == 200
    assert rows(room.sql) == []


def test_a_user_whom_nobody_has_seen_yet_is_enrolled_for_when_it_comes(stripe, is_enrolled):
    stripe(event(user="user_2abc:%"))

    assert is_enrolled("user_2abc:%")


def test_the_end_of_a_subscription_that_was_never_told_of_is_kept(stripe, is_enrolled):
    stripe(event("deleted", 9))
    stripe(event("created", 1))

    assert not is_enrolled()


def test_seen_events_are_forgotten_after_three_months(room, stripe):
    room.sql.execute(
        "INSERT INTO stripe_events VALUES ('old', now() - interval '91 days'),"
        " ('young', now() - interval '89 days')"
    )
    stripe(event())

    kept = {name for (name,) in room.sql.execute("SELECT id FROM stripe_events")}
    assert kept == {"young", event()["id"]}
