"""Stripe events change enrollments. Each is signed, applied once and ordered by its time."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from itertools import permutations

import pytest
from stripe import WebhookSignature

from resume_service.ids import RESERVED_USER_IDS
from tests.support.load_clients import in_parallel
from tests.support.tokens import bearer

SECRET = "whsec_of_the_tests"
DAY = 86_400
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())


def event(kind="created", at=0, *, status="active", user="ann", ends=DAY, sub="sub_1", **more):
    """An event `at` seconds after noon. The subscription ends `ends` seconds after noon."""
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
def send_event(client):
    """`send_event(event)` posts an event with a valid signature."""

    def send(given, *, secret=SECRET, signed_at=None, **headers):
        payload = given if isinstance(given, str) else json.dumps(given)
        signature = WebhookSignature.generate_signature_header(payload, secret, signed_at)
        return client.post(
            "/v1/billing/stripe", data=payload, content_type="application/json",
            headers={"Stripe-Signature": signature} | headers,
        )  # fmt: skip

    return send


@pytest.fixture
def is_enrolled(course):
    lesson = course.lesson()
    return lambda user="ann": course.learner(user).mark(lesson).status_code == 200


def enrollments(sql):
    return sql.execute("SELECT * FROM enrollments ORDER BY id").fetchall()


def test_subscription_events_grant_and_revoke_access(course, send_event, is_enrolled):
    seen = []
    for given in (
        event("created", 0, status="incomplete"),
        event("updated", 10, status="trialing"),
        event("updated", 20, status="active"),
        event("updated", 30, status="past_due"),
        event("updated", 40, status="active"),
        event("deleted", 50, status="active"),
    ):
        answer = send_event(given)
        assert (answer.status_code, answer.get_json()) == (200, {"received": True})
        seen.append(is_enrolled())

    assert seen == [False, True, True, False, True, False]
    assert len(enrollments(course.sql)) == 1


def test_access_ends_with_the_period_of_the_subscription(course, send_event, is_enrolled):
    send_event(event(ends=60))
    assert is_enrolled()
    course.pass_time(seconds=60)
    assert not is_enrolled()
    send_event(event("updated", 90, ends=DAY))
    assert is_enrolled()


def test_the_period_of_older_stripe_versions_is_read(course, send_event):
    given = event(ends=None)
    given["data"]["object"]["current_period_end"] = NOON + 5
    send_event(given)

    [[ends]] = course.sql.execute("SELECT current_period_end FROM enrollments").fetchall()
    assert ends.timestamp() == NOON + 5


def test_a_repeated_event_does_not_undo_one_of_the_same_second(course, send_event, is_enrolled):
    first, second = event("updated", 5, status="past_due"), event("updated", 5, status="active")
    send_event(first), send_event(second)
    before = enrollments(course.sql)

    assert send_event(first).status_code == 200
    assert enrollments(course.sql) == before
    assert is_enrolled()


def test_a_repeated_event_does_not_restore_a_deleted_enrollment(course, send_event, is_enrolled):
    send_event(event())
    course.sql.execute("DELETE FROM enrollments")

    assert send_event(event()).status_code == 200
    assert not is_enrolled()


ORDERS = tuple(permutations(range(3)))
LIFE = [event("created", 0), event("updated", 10, status="past_due"), event("deleted", 20)]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_the_newest_event_wins_in_any_delivery_order(course, send_event, is_enrolled, order):
    for number in order:
        assert send_event(LIFE[number]).status_code == 200

    assert not is_enrolled()
    [[status]] = course.sql.execute("SELECT status FROM enrollments").fetchall()
    assert status == "canceled"


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_deletion_wins_over_events_of_the_same_second(course, send_event, order):
    life = [event("created"), event("updated", status="trialing"), event("deleted")]
    for number in order:
        send_event(life[number])

    [[status]] = course.sql.execute("SELECT status FROM enrollments").fetchall()
    assert status == "canceled"


def test_ending_an_old_subscription_keeps_the_new_one(course, send_event, is_enrolled):
    send_event(event("created", 0, sub="sub_old"))
    send_event(event("created", 100, sub="sub_new"))
    send_event(event("deleted", 200, sub="sub_old"))

    assert is_enrolled()
    assert len(enrollments(course.sql)) == 2


def test_concurrent_deliveries_apply_once_and_the_newest_wins(apps, course):
    events = [event("updated", n, status=("past_due", "active")[n % 2]) for n in range(8)] * 2

    def deliver(number):
        payload = json.dumps(events[number])
        headers = {"Stripe-Signature": WebhookSignature.generate_signature_header(payload, SECRET)}
        send = apps().test_client().post
        status = 503
        while status == 503:  # Stripe retries
            answer = send("/v1/billing/stripe", data=payload, headers=headers)
            status = answer.status_code
        return status

    assert in_parallel(16, deliver) == [200] * 16
    [(status, at)] = course.sql.execute(
        "SELECT status, stripe_event_at FROM enrollments"
    ).fetchall()
    assert (status, at.timestamp()) == ("active", NOON + 7)
    [[seen]] = course.sql.execute("SELECT count(*) FROM stripe_events").fetchall()
    assert seen == 8


def test_an_invalid_signature_gives_400_and_changes_nothing(course, client, send_event):
    payload = json.dumps(event())
    header = WebhookSignature.generate_signature_header(payload, SECRET)
    stamp, signature = header.split(",")

    def send(body, **headers):
        return client.post("/v1/billing/stripe", data=body, headers=headers)

    refused = [
        send(payload),
        send(payload, **{"Stripe-Signature": ""}),
        send(payload, **{"Stripe-Signature": "nonsense"}),
        send(payload, **{"Stripe-Signature": signature}),
        send(payload, **{"Stripe-Signature": stamp}),
        send(payload, **{"Stripe-Signature": f"{stamp}, {signature[:-1]}0, v1=é"}),
        send(payload, **{"Stripe-Signature": f"{stamp},v1=é,{signature}"}),
        send(payload, **{"Stripe-Signature": f"t={int(time.time()) + 1},{signature}"}),
        send(payload, **{"Stripe-Signature": header.replace("v1=", "v0=")}),
        send(payload.replace("ann", "bob"), **{"Stripe-Signature": header}),
        send(payload + " ", **{"Stripe-Signature": header}),
        send(b"\xff" + payload.encode(), **{"Stripe-Signature": header}),
        send("", **{"Stripe-Signature": header}),
        send_event(event(), secret="whsec_of_another_account"),
        send_event(event(), signed_at=int(time.time()) - 301),
    ]

    assert {(each.status_code, each.text) for each in refused} == {
        (400, '{"error":"The signature does not match"}\n')
    }
    assert enrollments(course.sql) == []


def test_a_signed_body_that_is_not_json_gives_400(send_event):
    assert send_event("{").get_json() == {"error": "The body is not JSON"}


@pytest.mark.parametrize(
    "given",
    [
        event(user=None), event(user=""), event(user="a b"), event("paused"),
        event(type="invoice.paid"),
    ],
    ids=str,
)  # fmt: skip
def test_an_unrelated_event_is_accepted_and_changes_nothing(course, send_event, given):
    assert send_event(given).status_code == 200
    assert enrollments(course.sql) == []


NOT_AN_EVENT = [
    "null",
    "[]",
    "{}",
    "7",
    '"text"',
    '{"type": "invoice.paid", "extra": NaN}',
    "[" * 60_000,
    '{"a":' * 9_000,
    "1" * 5_000,
]


@pytest.mark.parametrize("payload", NOT_AN_EVENT, ids=lambda text: text[:8])
def test_a_signed_body_that_is_not_an_event_gives_400(send_event, payload):
    assert send_event(payload).status_code == 400


PATHS = [
    ("id",), ("created",), ("type",), ("data",), ("data", "object"),
    *[("data", "object", name) for name in ("id", "status", "metadata", "items")],
    ("data", "object", "metadata", "user_id"), ("data", "object", "current_period_end"),
    ("data", "object", "items", "data"), ("data", "object", "items", "data", 0),
    ("data", "object", "items", "data", 0, "current_period_end"),
]  # fmt: skip
HOSTILE = [
    None, True, 7, -1, 0.5, 10**11, 10**12, 10**30, 10**400, -(10**18), 1e300, float("nan"),
    float("inf"), "", "text", "a\u0000b", "\ud800", "x" * 256, [], [None], [[]], {}, {"data": 7},
]  # fmt: skip


def changed(path, value):
    """An event in which the field at `path` is `value`."""
    given = holder = event()
    *parents, name = path
    for parent in parents:
        holder = holder[parent]
    holder[name] = value
    return given


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_no_value_of_any_field_of_a_signed_event_gives_500(send_event, path):
    statuses = {repr(value): send_event(changed(path, value)).status_code for value in HOSTILE}

    assert set(statuses.values()) <= {200, 400}, statuses
    assert statuses["[None]"] == statuses["[[]]"] == 400
    assert {statuses[name] for name in ("nan", "inf", "True", "1e+300", "0.5")} == {400}


@pytest.mark.parametrize("path", PATHS[:8], ids=lambda path: ".".join(map(str, path)))
def test_a_signed_event_without_a_required_field_is_400_and_enrolls_no_user(
    course, send_event, path
):
    given = holder = event()
    *parents, name = path
    for parent in parents:
        holder = holder[parent]
    del holder[name]

    answer = send_event(given)
    assert (answer.status_code, "malformed" in answer.get_json()["error"]) == (400, True)
    assert enrollments(course.sql) == []


def test_an_event_enrolls_a_user_without_earlier_requests(send_event, is_enrolled):
    send_event(event(user="user_2abc:%"))

    assert is_enrolled("user_2abc:%")


def test_a_subscription_that_names_another_user_never_ends_that_users_access(
    course, send_event, is_enrolled
):
    """`metadata` is set by whoever creates the subscription: it can only add an enrollment."""
    send_event(event(user="7", sub="sub_of_7"))
    send_event(event(user="7", sub="sub_of_another", at=10))
    send_event(event("updated", 20, user="7", sub="sub_of_another", status="unpaid", ends=-DAY))
    send_event(event("deleted", 30, user="7", sub="sub_of_another"))

    assert is_enrolled("7")
    assert not is_enrolled("another")


@pytest.mark.parametrize("word", sorted(RESERVED_USER_IDS))
def test_a_reserved_word_is_no_user_for_stripe_as_for_admins(course, client, send_event, word):
    by_hand = {"user_id": word, "status": "active"}
    refused = client.post("/v1/enrollments", json=by_hand, headers=bearer("x", role="service"))

    assert refused.status_code == 422
    assert send_event(event(user=word)).status_code == 200
    assert enrollments(course.sql) == []


def test_ids_of_seen_events_are_deleted_after_90_days(course, send_event):
    course.sql.execute(
        "INSERT INTO stripe_events VALUES ('old', now() - interval '91 days'),"
        " ('young', now() - interval '89 days')"
    )
    send_event(event())

    stored = {name for (name,) in course.sql.execute("SELECT id FROM stripe_events")}
    assert stored == {"young", event()["id"]}
