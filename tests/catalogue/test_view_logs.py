"""`/v1/view-logs`: access. A view that is logged without a stream changes no points."""

from __future__ import annotations

import pytest

from tests.support.tokens import bearer

SERVICE = bearer("backend", role="service")


@pytest.fixture
def video(catalogue, origin) -> int:
    return catalogue.add_video(origin.url("tiny"))


def read_view(client, user, video, caller):
    return client.get(f"/v1/view-logs/{user}/{video}", headers=caller)


def log(client, caller, **body):
    return client.post("/v1/view-logs", json=body, headers=caller)


def watch(client, video, caller):
    assert client.get(f"/v1/videos/stream/{video}", headers=caller).data == b"tiny"


def test_a_view_exists_after_its_stream(client, catalogue, video):
    caller = catalogue.caller()

    assert read_view(client, catalogue.guest, video, caller).get_json() is False
    watch(client, video, caller)
    assert read_view(client, catalogue.guest, video, caller).get_json() is True
    assert read_view(client, catalogue.guest, 10**9, caller).get_json() is False


def test_logging_a_view_again_returns_the_first_log(client, catalogue, video):
    first = log(client, catalogue.caller(), video_id=video)
    again = log(client, catalogue.caller(), video_id=video)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert first.get_json()["user_id"] == catalogue.guest
    assert first.get_json()["video_id"] == video
    assert catalogue.views() == [(catalogue.guest, video, False)]


def test_a_logged_view_earns_nothing_and_a_later_stream_still_earns(client, catalogue, video):
    caller = catalogue.caller()
    log(client, caller, video_id=video)
    assert catalogue.points() == 0

    watch(client, video, caller)
    assert catalogue.points() == 10
    log(client, caller, video_id=video)
    watch(client, video, caller)
    assert catalogue.points() == 10


def test_only_the_user_its_admins_and_services_may_read_a_view(client, catalogue, video):
    guest, other = catalogue.guest, catalogue.add_user()

    def statuses(user, *callers):
        return [read_view(client, user, video, caller).status_code for caller in callers]

    colleague, foreign = catalogue.caller(other), catalogue.caller(catalogue.foreign_guest)
    admin = catalogue.caller(catalogue.admin)
    foreign_admin = catalogue.caller(catalogue.foreign_admin)
    assert statuses(guest, catalogue.caller(), admin, SERVICE) == [200, 200, 200]
    assert statuses(guest, colleague, foreign, foreign_admin) == [403, 403, 403]
    assert statuses(10**9, admin, SERVICE, colleague, bearer("ann")) == [404, 404, 403, 403]
    for no_id in (2**63, 2**80, "x", "-1", "1.0", "9" * 5000):
        assert statuses(no_id, admin, SERVICE) == [404, 404]
        assert read_view(client, guest, no_id, admin).status_code == 404
    assert read_view(client, guest, video, {}).status_code == 401


def test_an_admins_present_role_and_company_count_not_those_of_its_token(client, catalogue, video):
    guest, was_admin = catalogue.guest, catalogue.add_user("admin")
    token = catalogue.caller(was_admin)
    assert read_view(client, guest, video, token).status_code == 200

    for change in ("role = 'guest'", f"corporation_id = {catalogue.companies[1]}"):
        was_admin = catalogue.add_user("admin")
        token = catalogue.caller(was_admin)
        catalogue.sql.execute(f"UPDATE users SET {change} WHERE id = {was_admin}")
        assert read_view(client, guest, video, token).status_code == 403
    deleted = catalogue.add_user("admin")
    token = catalogue.caller(deleted)
    catalogue.sql.execute(f"UPDATE users SET deleted_at = now() WHERE id = {deleted}")
    assert read_view(client, guest, video, token).status_code == 401


def test_views_of_a_deleted_user_are_404_and_its_own_token_is_401(client, catalogue, video):
    gone = catalogue.add_user()
    token = catalogue.caller(gone)
    catalogue.sql.execute(f"UPDATE users SET deleted_at = now() WHERE id = {gone}")

    for caller in (catalogue.caller(catalogue.admin), SERVICE):
        assert read_view(client, gone, video, caller).status_code == 404
    assert read_view(client, gone, video, token).status_code == 401
    assert log(client, token, video_id=video).status_code == 401
    assert log(client, SERVICE, video_id=video, user_id=gone).status_code == 404


def test_users_log_own_views_of_accessible_videos_and_services_any_view(client, catalogue, video):
    public, theirs = catalogue.add_video("x.mp4", None), catalogue.add_video("x.mp4", 1)
    hidden = catalogue.add_video("x.mp4", published=False)
    guest, caller = catalogue.guest, catalogue.caller()

    def status(caller, **body):
        return log(client, caller, **body).status_code

    assert status(caller, video_id=public) == 201
    assert status(caller, video_id=video, user_id=guest) == 201
    assert status(caller, video_id=video, user_id=catalogue.admin) == 403
    assert status(catalogue.caller(catalogue.admin), video_id=video, user_id=guest) == 403
    assert status(caller, video_id=theirs) == 403
    assert status(caller, video_id=hidden) == status(caller, video_id=10**8) == 404
    assert status(SERVICE, video_id=theirs, user_id=guest) == 201
    assert status(SERVICE, video_id=public, user_id=10**8) == 404
    assert status({}, video_id=public) == 401


@pytest.mark.parametrize(
    "caller", [SERVICE, bearer("ann"), bearer("999999")], ids=["service", "outside", "unknown"]
)
def test_a_caller_without_an_account_cannot_log_a_view(client, catalogue, caller):
    answer = log(client, caller, video_id=catalogue.add_video("x.mp4", None))

    assert answer.status_code == 404
    assert answer.get_json() == {"error": "User not found"}


@pytest.mark.parametrize(
    "body",
    [{}, {"video_id": "1"}, {"video_id": 0}, {"video_id": -1}, {"video_id": 2**63}, {"video_id": 1.5},
     {"video_id": True}, {"video_id": None}, {"video_id": [1]}, {"video_id": 1, "user_id": "2"},
     {"video_id": 1, "user_id": 0}],
    ids=str,
)  # fmt: skip
def test_an_invalid_body_is_422(client, catalogue, body):
    answer = log(client, catalogue.caller(), **body)

    assert answer.status_code == 422
    assert answer.get_json()["error"] == "Validation failed"
    assert set(answer.get_json()["details"]) <= {"video_id", "user_id"}


def test_unknown_fields_are_ignored_and_a_body_that_is_not_json_is_refused(
    client, catalogue, video
):
    caller = catalogue.caller()

    assert log(client, caller, video_id=video, more=1).status_code == 201
    for data, kind, status in (("{", "application/json", 400), ("{}", "text/plain", 415)):
        answer = client.post("/v1/view-logs", data=data, content_type=kind, headers=caller)
        assert answer.status_code == status
