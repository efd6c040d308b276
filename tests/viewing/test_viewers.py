"""Which caller may read the lists of which viewer, and which videos they show."""

from __future__ import annotations

import pytest

from tests.support.fixtures.companies import SERVICE, user_bearer
from tests.support.tokens import bearer

LISTS = ["continue", "next-up"]
MARKS = ["PUT watched", "DELETE watched", "PUT dismissed", "DELETE dismissed"]


def labels(viewer, name, headers, **query):
    items = viewer.get(name, headers, **query).get_json()["items"]
    return [viewer.labels[item["video"]["id"]] for item in items]


@pytest.fixture
def evening(viewer, umbra):
    """The viewer has begun a film of each owner, and series of each owner with the same number."""
    for owner, company in (("own", viewer.company.id), ("public", None), ("foreign", umbra.id)):
        viewer.add(f"{owner}-film", company=company, series=None, kind="movie")
        viewer.add(f"{owner}-1", company=company, season_number=1, episode_number=1)
        viewer.add(f"{owner}-2", company=company, season_number=1, episode_number=2)
        viewer.watch(f"{owner}-film", percent=50)
        viewer.watch(f"{owner}-1")
    return viewer


def test_a_viewer_sees_public_videos_and_those_of_its_company(evening):
    assert evening.continuing() == ["public-film", "own-film"]
    assert evening.next_up() == ["public-2", "own-2"]


def test_a_service_gets_the_lists_of_an_account_as_this_account_sees_them(evening):
    named = {"userId": evening.company.guest_id}

    assert labels(evening, "continue", SERVICE, **named) == ["public-film", "own-film"]
    assert labels(evening, "next-up", SERVICE, **named) == ["public-2", "own-2"]


@pytest.fixture
def ann(evening):
    """The headers of a viewer without an account here, who has begun the same films."""
    for owner in ("own", "public", "foreign"):
        body = {"clerkId": "ann", "tmdbId": str(evening.ids[f"{owner}-film"])}
        body |= {"currentTime": 5, "duration": 10}
        evening.pass_time(minutes=1)
        assert evening.http.post("/api/progress", json=body, headers=SERVICE).status_code == 204
    return bearer("ann")


def test_a_service_names_the_company_of_a_viewer_without_an_account(evening, ann, umbra):
    assert labels(evening, "continue", ann) == ["public-film"]
    of_umbra = bearer("ann", corporation_id=umbra.id)
    assert labels(evening, "continue", of_umbra) == ["foreign-film", "public-film"]

    named = {"userId": "ann", "corporation_id": umbra.id}
    assert labels(evening, "continue", SERVICE, **named) == ["foreign-film", "public-film"]


def test_a_service_can_not_name_another_company_for_an_account(evening, umbra):
    named = {"userId": evening.company.guest_id, "corporation_id": umbra.id}
    path = f"/v1/series/7/watched?userId={evening.company.guest_id}&corporation_id={umbra.id}"

    assert labels(evening, "continue", SERVICE, **named) == ["public-film", "own-film"]
    assert labels(evening, "next-up", SERVICE, **named) == ["public-2", "own-2"]
    assert evening.http.put(path, headers=SERVICE).get_json() == {"changed": 2}


def test_without_a_company_a_service_gets_the_videos_of_all_companies(evening, ann):
    shown = labels(evening, "continue", SERVICE, userId="ann")

    assert shown == ["foreign-film", "public-film", "own-film"]


@pytest.mark.parametrize("name", LISTS)
def test_only_a_service_may_name_another_viewer_or_company(viewer, umbra, name):
    company = viewer.company
    statuses = {
        "itself": viewer.get(name, userId=company.guest_id),
        "its company": viewer.get(name, corporation_id=company.id),
        "another guest": viewer.get(name, userId=company.other_guest_id),
        "another company": viewer.get(name, corporation_id=umbra.id),
        "as admin": viewer.get(name, company.admin, userId=company.guest_id),
        "as service": viewer.get(name, SERVICE, userId=company.guest_id),
        "for a reserved word": viewer.get(name, SERVICE, userId="batch"),
        "anonymous": viewer.get(name, {}),
    }

    assert {caller: response.status_code for caller, response in statuses.items()} == {
        "itself": 200,
        "its company": 200,
        "another guest": 403,
        "another company": 403,
        "as admin": 403,
        "as service": 200,
        "for a reserved word": 422,
        "anonymous": 401,
    }


@pytest.mark.parametrize("mark", MARKS)
def test_only_a_service_may_mark_a_series_for_another_viewer(viewer, umbra, mark):
    company = viewer.company
    viewer.add("1x1")
    method, name = mark.split()

    def status(headers, **query):
        path = f"/v1/series/7/{name}"
        response = viewer.http.open(path, method=method, query_string=query, headers=headers)
        return response.status_code

    assert status(company.guest) == 200
    assert status(company.guest, userId=company.other_guest_id) == 403
    assert status(company.admin, userId=company.guest_id) == 403
    assert status(SERVICE, userId=company.guest_id) == 200
    assert status(SERVICE, userId=umbra.guest_id) == 404
    assert status(umbra.guest) == 404
    assert status({}) == 401


def test_a_series_mark_by_a_service_reaches_the_videos_of_the_viewers_company_only(evening):
    path = f"/v1/series/7/watched?userId={evening.company.other_guest_id}"
    response = evening.http.put(path, headers=SERVICE)

    assert response.get_json() == {"changed": 4}
    marked = evening.redis.zrange(f"recent:{evening.company.other_guest_id}", 0, -1)
    owners = {evening.labels[int(video)].partition("-")[0] for video in marked}
    assert owners == {"own", "public"}


def test_the_company_in_a_token_decides_lists_and_the_account_decides_marks(evening, umbra):
    """As for the positions of videos, and as for every route under `/v1`."""
    guest = user_bearer(evening.company.guest_id, umbra.id)
    assert labels(evening, "continue", guest) == ["foreign-film", "public-film"]

    response = evening.http.put("/v1/series/7/watched", headers=guest)
    assert response.get_json() == {"changed": 2}
    assert evening.next_up() == []


def test_responses_are_not_stored_by_caches(evening):
    for name in LISTS:
        assert evening.get(name).headers["Cache-Control"] == "no-store"
