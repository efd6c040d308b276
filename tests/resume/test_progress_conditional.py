"""`GET /api/progress/{user}/{video}`: ETag, If-None-Match, 304."""

from __future__ import annotations

import pytest


def test_unchanged_point_is_304_without_a_body(player):
    player.save()
    tag = player.read().headers["ETag"]

    again = player.read(**{"If-None-Match": tag})

    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    assert again.headers["Cache-Control"] == "no-store"
    assert again.headers["X-Request-Id"]
    assert not {"Content-Type", "Content-Length", "Last-Modified"} & set(again.headers.keys())


@pytest.mark.parametrize("form", ["W/{0}", '"other", {0}', "*"])
def test_every_form_of_if_none_match_with_the_etag_is_304(player, form):
    player.save()
    tag = player.read().headers["ETag"]

    assert player.read(**{"If-None-Match": form.format(tag)}).status_code == 304


@pytest.mark.parametrize("stale", ['"other"', "", "rubbish", '"', ",,,", "W/"])
def test_other_if_none_match_values_return_the_point(player, stale):
    player.save()

    assert player.read(**{"If-None-Match": stale}).status_code == 200


@pytest.mark.parametrize("change", [{"currentTime": 61}, {"duration": 100}, {"ageMs": 0}])
def test_changed_point_has_another_etag(player, clock, change):
    player.save()
    tag = player.read().headers["ETag"]
    clock.forward(milliseconds=1)
    player.save(**change)

    answer = player.read(**{"If-None-Match": tag})

    assert answer.status_code == 200
    assert answer.headers["ETag"] != tag


def test_deleted_point_is_404_even_if_any_etag_matches(player):
    player.save()
    player.delete()

    assert player.read(**{"If-None-Match": "*"}).status_code == 404


def test_etag_of_another_users_point_gives_no_access(player, player_of):
    player.save()
    tag = player.read().headers["ETag"]
    eve = player_of("eve")
    eve.user = "ann"

    assert eve.read(**{"If-None-Match": tag}).status_code == 403


def test_head_returns_the_headers_of_get_without_the_body(player):
    player.save()
    got = player.read()

    head = player.http.head(player.path("v1"), headers=player.headers)

    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"]
    assert without_id(head.headers) == without_id(got.headers)


def without_id(headers):
    return {name: value for name, value in headers if name != "X-Request-Id"}
