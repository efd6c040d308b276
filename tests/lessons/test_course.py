"""Keeping the course: modules, lessons and enrolments, and what may not be written."""

from __future__ import annotations

import re
import threading
from uuid import UUID, uuid4

import pytest

from tests.support.course_builder import details_of
from tests.support.load_clients import at_once
from tests.support.tokens import bearer

ADMIN = bearer("root", role="admin")
NEW = {
    "modules": {"title": "How film works", "position": 1, "free": True},
    "enrollments": {"user_id": "ann", "status": "active", "current_period_end": None},
}
KINDS = ("modules", "lessons", "enrollments")
every_kind = pytest.mark.parametrize("kind", KINDS)


class Keeper:
    def __init__(self, http):
        self.http = http

    def __call__(self, method, path, body=None, **query):
        return self.http.open(
            f"/v1/{path}", method=method, json=body, query_string=query, headers=ADMIN
        )

    def made(self, kind, **fields):
        given = NEW.get(kind) or {
            "title": "Light", "position": 1, "published": True, "free": False, "video_id": "v:1",
            "prerequisites": [], "module_id": fields.get("module_id") or self.made("modules")["id"],
        }  # fmt: skip
        answer = self("POST", kind, given | fields)
        assert answer.status_code == 201, answer.text
        return answer.get_json()


@pytest.fixture
def keeper(room):
    return Keeper(room.http)


@every_kind
def test_what_is_kept_is_made_read_changed_listed_and_deleted(keeper, kind):
    made = keeper.made(kind)
    path = f"{kind}/{made['id']}"
    change = {"status": "canceled"} if kind == "enrollments" else {"title": "Other"}

    assert UUID(made["id"]).version == 4
    assert keeper("GET", path).get_json() == made
    assert keeper("GET", kind).get_json() == [made]
    changed = keeper("PUT", path, change)
    assert changed.status_code == 200
    expected = made | change | {"updated_at": changed.get_json()["updated_at"]}
    assert changed.get_json() == keeper("GET", path).get_json() == expected
    assert keeper("DELETE", path).status_code == 204
    assert keeper("GET", path).status_code == 404
    assert keeper("GET", kind).get_json() == []


@every_kind
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_not_there_is_a_404_and_an_id_in_other_writing_a_400(keeper, kind, method):
    body = {} if method == "PUT" else None

    assert keeper(method, f"{kind}/{uuid4()}", body).status_code == 404
    assert set(details_of(keeper(method, f"{kind}/1", body), 400)) == {"id"}


WRONG = [
    ("modules", {"title": ""}), ("modules", {"title": " "}), ("modules", {"title": "x" * 257}),
    ("modules", {"title": "a\0b"}), ("modules", {"title": "\ud800"}), ("modules", {"title": 1}),
    ("modules", {"position": -1}), ("modules", {"position": 1.5}), ("modules", {"position": "1"}),
    ("modules", {"position": True}), ("modules", {"position": 10**9}), ("modules", {"free": 1}),
    ("modules", {"free": "true"}), ("modules", {"free": None}),
    ("lessons", {"module_id": "x"}), ("lessons", {"module_id": None}),
    ("lessons", {"module_id": "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40"}),
    ("lessons", {"published": 0}), ("lessons", {"video_id": ""}), ("lessons", {"video_id": "a b"}),
    ("lessons", {"video_id": "v" * 129}), ("lessons", {"prerequisites": ["x"]}),
    ("lessons", {"prerequisites": ["6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40"]}),
    ("lessons", {"prerequisites": None}), ("lessons", {"prerequisites": "x"}),
    ("lessons", {"prerequisites": [str(uuid4()) for _ in range(101)]}),
    ("enrollments", {"user_id": ""}), ("enrollments", {"user_id": "a b"}),
    ("enrollments", {"user_id": "lessons"}), ("enrollments", {"status": "great"}),
    ("enrollments", {"status": None}), ("enrollments", {"current_period_end": "2027-01-01"}),
    ("enrollments", {"current_period_end": "soon"}), ("enrollments", {"current_period_end": 1}),
]  # fmt: skip


@every_kind
def test_a_field_that_does_not_fit_is_a_422_that_names_it(keeper, kind):
    made = keeper.made(kind)
    before = keeper("GET", kind).get_json()
    for wrong in (fields for its, fields in WRONG if its == kind):
        created = keeper("POST", kind, {**made, **wrong})
        changed = keeper("PUT", f"{kind}/{made['id']}", wrong)
        assert set(details_of(created, 422)) == set(details_of(changed, 422)) == set(wrong), wrong

    assert keeper("GET", kind).get_json() == before


@pytest.mark.parametrize(
    ("kind", "required"),
    [
        ("modules", {"title", "position"}),
        ("lessons", {"title", "position", "module_id"}),
        ("enrollments", {"user_id", "status"}),
    ],
)
def test_a_field_that_is_missing_is_a_422_that_names_it(keeper, kind, required):
    assert set(details_of(keeper("POST", kind, {}), 422)) == required


def test_what_is_not_said_of_a_lesson_is_the_careful_choice(keeper):
    module = keeper.made("modules")["id"]
    made = keeper("POST", "lessons", {"title": "L", "position": 0, "module_id": module}).get_json()

    names = ("published", "free", "video_id", "prerequisites")
    assert [made[name] for name in names] == [False, False, None, []]


def circle_told(answer):
    [told] = details_of(answer, 422)["prerequisites"]
    return re.fullmatch(r"A circle: (.*)\.", told)[1].split(" requires ")


def test_a_circle_of_prerequisites_is_a_422_that_names_it_and_changes_nothing(keeper):
    first = keeper.made("lessons")
    second = keeper.made("lessons", prerequisites=[first["id"]])
    third = keeper.made("lessons", prerequisites=[second["id"], first["id"]])

    alone = keeper("PUT", f"lessons/{first['id']}", {"prerequisites": [first["id"]]})
    around = keeper(
        "PUT", f"lessons/{first['id']}", {"title": "No", "prerequisites": [third["id"]]}
    )

    assert circle_told(alone) == [first["id"]] * 2
    ids = [first["id"], third["id"], second["id"], first["id"]]
    assert circle_told(around) in (ids, [ids[0], ids[1], ids[0]])
    assert keeper("GET", f"lessons/{first['id']}").get_json() == first


def test_two_admins_at_once_close_no_circle(apps, room):
    keeper = Keeper(room.http)
    for _ in range(4):
        pair = [keeper.made("lessons")["id"] for _ in range(2)]
        barrier = threading.Barrier(2)

        def require_the_other(n, pair=pair, barrier=barrier):
            own = Keeper(apps().test_client())
            barrier.wait()
            return own("PUT", f"lessons/{pair[n]}", {"prerequisites": [pair[1 - n]]}).status_code

        assert sorted(at_once(2, require_the_other)) == [200, 422]


def test_prerequisites_are_replaced_kept_and_taken_away(keeper):
    first, second = (keeper.made("lessons")["id"] for _ in range(2))
    lesson = keeper.made("lessons", prerequisites=[first, first])
    path = f"lessons/{lesson['id']}"

    assert lesson["prerequisites"] == [first]
    assert keeper("PUT", path, {"title": "T"}).get_json()["prerequisites"] == [first]
    assert keeper("PUT", path, {"prerequisites": [second]}).get_json()["prerequisites"] == [second]
    assert keeper("PUT", path, {"prerequisites": []}).get_json()["prerequisites"] == []


def test_a_module_with_lessons_is_not_deleted(keeper):
    lesson = keeper.made("lessons")
    path = f"modules/{lesson['module_id']}"

    assert keeper("DELETE", path).get_json() == {"error": "The module holds lessons"}
    assert keeper("DELETE", f"lessons/{lesson['id']}").status_code == 204
    assert keeper("DELETE", path).status_code == 204


def test_a_deleted_lesson_goes_with_its_completions_and_unlocks_what_required_it(room, ann):
    keeper = Keeper(room.http)
    first = room.lesson()
    second = room.lesson(requires=[first])
    ann.mark(first), ann.unmark(first), ann.mark(first)

    assert keeper("DELETE", f"lessons/{first}").status_code == 204

    assert ann.completed() == []
    assert ann.summary() == (0, 1, 0)
    assert ann.mark(second).status_code == 200


@every_kind
def test_lists_come_in_pages_with_their_count_and_links(keeper, kind):
    module = keeper.made("modules") if kind == "lessons" else {}
    more = {"module_id": module["id"]} if module else {}
    made = [keeper.made(kind, **more)["id"] for _ in range(5)]

    pages = [keeper("GET", kind, page=page, per_page=2) for page in (1, 2, 3, 4)]

    assert [len(page.get_json()) for page in pages] == [2, 2, 1, 0]
    assert {row["id"] for page in pages for row in page.get_json()} == set(made)
    assert {page.headers["X-Total-Count"] for page in pages} == {"5"}
    rels = [
        re.findall(r'[?&]page=(\d+)[^>]*>; rel="(\w+)"', page.headers["Link"]) for page in pages
    ]
    assert rels[0] == [("1", "first"), ("2", "next"), ("3", "last")]
    assert rels[1] == [("1", "first"), ("1", "prev"), ("3", "next"), ("3", "last")]


@every_kind
@pytest.mark.parametrize("query", [{"page": 0}, {"per_page": 101}, {"per_page": "x"}, {"page": -1}])
def test_a_page_that_can_not_be_is_a_422(keeper, kind, query):
    assert set(details_of(keeper("GET", kind, **query), 422)) == set(query)


def test_a_page_has_twenty_rows_when_nothing_is_said(keeper, room):
    for _ in range(21):
        room.module()

    assert len(keeper("GET", "modules").get_json()) == 20


def test_lists_are_narrowed_to_a_module_and_to_a_user(keeper):
    lesson, _ = keeper.made("lessons"), keeper.made("lessons")
    mine, _ = keeper.made("enrollments"), keeper.made("enrollments", user_id="bob")

    assert keeper("GET", "lessons", module_id=lesson["module_id"]).get_json() == [lesson]
    assert keeper("GET", "enrollments", user_id="ann").get_json() == [mine]


def test_an_enrolment_kept_by_hand_opens_the_course_at_once_and_closes_it(keeper, room):
    lesson = room.lesson()
    ann = room.learner()
    enrolled = keeper.made("enrollments")
    assert ann.mark(lesson).status_code == 200
    keeper("PUT", f"enrollments/{enrolled['id']}", {"current_period_end": "2026-11-20T11:59:59Z"})

    assert ann.unmark(lesson).status_code == 403


def test_the_course_shows_published_lessons_alone_in_their_order(room):
    second, first, empty = (room.module(position=n, title=f"M{n}") for n in (2, 1, 3))
    room.lesson(empty, published=False)
    late, early = (room.lesson(first, position=n, title=f"L{n}") for n in (2, 1))
    last = room.lesson(second, video_id="v1", requires=[late])

    course = room.http.get("/v1/course", headers=bearer("nobody-special")).get_json()

    def shown(lesson, title, video=None, prerequisites=()):
        ids = [str(each) for each in prerequisites]
        return {"id": str(lesson), "title": title, "video_id": video, "prerequisites": ids}

    assert course == {
        "modules": [
            {"id": str(first), "title": "M1", "lessons": [shown(early, "L1"), shown(late, "L2")]},
            {"id": str(second), "title": "M2", "lessons": [shown(last, "Lesson", "v1", [late])]},
        ]
    }
