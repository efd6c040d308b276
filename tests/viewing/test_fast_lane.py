"""The fast lane and Flask give equal responses for both lists."""

from __future__ import annotations

import pytest

from tests.support.fixtures.companies import SERVICE
from tests.support.in_process import ask, neutral
from tests.support.tokens import bearer

QUERIES = [
    "",
    "?limit=1",
    "?limit=100",
    "?limit=0",
    "?limit=101",
    "?limit=",
    "?limit=1&limit=2",
    "?limit=%31",
    "?cursor=x",
    "?cursor=9999999999999-1",
    "?userId={guest}",
    "?userId={other}",
    "?userId=batch",
    "?userId=a%20b",
    "?corporation_id={company}",
    "?corporation_id=99999",
    "?unknown=1",
    "?limit",
]


@pytest.fixture
def evening(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.add("film", series=None)
    viewer.watch("1x1")
    viewer.watch("1x2", "film", percent=50)
    viewer.add("2x1", "2x2", series=8)
    viewer.watch("2x1")
    return viewer


@pytest.mark.parametrize("name", ["continue", "next-up"])
@pytest.mark.parametrize("query", QUERIES)
def test_flask_and_the_fast_lane_give_equal_responses(evening, name, query):
    company, app = evening.company, evening.http.application
    path = query.format(guest=company.guest_id, other=company.other_guest_id, company=company.id)
    callers = [company.guest, SERVICE, bearer("ann"), bearer("batch"), {"Authorization": "x"}, {}]
    fast_lane, answered = app.wsgi_app, []
    for headers in callers:
        lines = [f"{field}: {value}" for field, value in headers.items()]
        head = [f"GET /api/v1/viewing/{name}{path} HTTP/1.1", "Host: localhost", *lines]
        request = "\r\n".join([*head, "", ""]).encode()
        app.wsgi_app = fast_lane
        status, fast_headers, body = ask(app, request)
        app.wsgi_app = fast_lane.flask_app
        flask_status, flask_headers, flask_body = ask(app, request)
        app.wsgi_app = fast_lane

        assert (status, neutral(fast_headers), body) == (
            flask_status,
            neutral(flask_headers),
            flask_body,
        )
        answered.append(status)
    assert answered[-2:] == [401, 401]


def test_ordinary_requests_are_answered_without_flask(evening, monkeypatch):
    app = evening.http.application

    def fail(*_):
        raise AssertionError("Flask was called")

    monkeypatch.setattr(app.wsgi_app, "flask_app", fail)
    for name in ("continue", "next-up"):
        for query in ({}, {"limit": 1}, {"userId": evening.company.guest_id}):
            assert evening.get(name, **query).status_code == 200
