"""Admin routes for modules, lessons and enrollments: CRUD, validation and pages."""

from __future__ import annotations

import re
import threading
from uuid import UUID, uuid4

import pytest

from tests.support.course_builder import details_of
from tests.support.load_clients import in_parallel
from tests.support.tokens import bearer

ADMIN = bearer("root", role="admin")
NEW = {
    "modules": {"title": "How film works", "position": 1, "free": True},
    "enrollments": {"user_id": "ann", "status": "active", "current_period_end": None},
}
KINDS = ("modules", "lessons", "enrollments")
every_kind = pytest.mark.parametrize("kind", KINDS)


class Admin:
    """Sends requests with an admin's token. `create` returns the new row."""

    def __init__(self, http):
        self.http = http

    def __call__(self, method, path, body=None, **query):
        return self.http.open(
            f"/v1/{path}", method=method, json=body, query_string=query, headers=ADMIN
        )

    def create(self, kind, **fields):
        given = NEW.get(kind) or {
            "title": "Light", "position": 1, "published": True, "free": False, "video_id": "v:1",
            "prerequisites": [], "module_id": fields.get("module_id") or self.create("modules")["id"],
        }  # fmt: skip
        answer = self("POST", kind, given | fields)
        assert answer.status_code == 201, answer.text
        return answer.get_json()


@pytest.fixture
def admin(course):
    return Admin(course.http)


@every_kind
def test_a_row_can_be_created_read_changed_listed_and_deleted(admin, kind):
    row = admin.create(kind)
    path = f"{kind}/{row['id']}"
    change = {"status": "canceled"} if kind == "enrollments" else {"title": "Other"}

    assert UUID(row["id"]).version == 4
    assert admin("GET", path).get_json() == row
    assert admin("GET", kind).get_json() == [row]
    changed = admin("PUT", path, change)
    assert changed.status_code == 200
    expected = row | change | {"updated_at": changed.get_json()["updated_at"]}
    assert changed.get_json() == admin("GET", path).get_json() == expected
    assert admin("DELETE", path).status_code == 204
    assert admin("GET", path).status_code == 404
    assert admin("GET", kind).get_json() == []


@every_kind
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_id_gives_404_and_an_invalid_id_gives_400(admin, kind, method):
    body = {} if method == "PUT" else None

    assert admin(method, f"{kind}/{uuid4()}", body).status_code == 404
    assert set(details_of(admin(method, f"{kind}/1", body), 400)) == {"id"}


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
def test_an_invalid_field_gives_422_with_its_name(admin, kind):
    row = admin.create(kind)
    before = admin("GET", kind).get_json()
    for wrong in (fields for faulty_kind, fields in WRONG if faulty_kind == kind):
        created = admin("POST", kind, {**row, **wrong})
        changed = admin("PUT", f"{kind}/{row['id']}", wrong)
        assert set(details_of(created, 422)) == set(details_of(changed, 422)) == set(wrong), wrong

    assert admin("GET", kind).get_json() == before


@pytest.mark.parametrize(
    ("kind", "required"),
    [
        ("modules", {"title", "position"}),
        ("lessons", {"title", "position", "module_id"}),
        ("enrollments", {"user_id", "status"}),
    ],
)
def test_a_missing_field_gives_422_with_its_name(admin, kind, required):
    assert set(details_of(admin("POST", kind, {}), 422)) == required


def test_a_new_lesson_is_unpublished_and_not_free_by_default(admin):
    module = admin.create("modules")["id"]
    row = admin("POST", "lessons", {"title": "L", "position": 0, "module_id": module}).get_json()

    names = ("published", "free", "video_id", "prerequisites")
    assert [row[name] for name in names] == [False, False, None, []]


def circle_in(answer):
    [message] = details_of(answer, 422)["prerequisites"]
    return re.fullmatch(r"A circle: (.*)\.", message)[1].split(" requires ")


def test_a_circle_of_prerequisites_gives_422_and_changes_nothing(admin):
    first = admin.create("lessons")
    second = admin.create("lessons", prerequisites=[first["id"]])
    third = admin.create("lessons", prerequisites=[second["id"], first["id"]])

    direct = admin("PUT", f"lessons/{first['id']}", {"prerequisites": [first["id"]]})
    indirect = admin(
        "PUT", f"lessons/{first['id']}", {"title": "No", "prerequisites": [third["id"]]}
    )

    assert circle_in(direct) == [first["id"]] * 2
    ids = [first["id"], third["id"], second["id"], first["id"]]
    assert circle_in(indirect) in (ids, [ids[0], ids[1], ids[0]])
    assert admin("GET", f"lessons/{first['id']}").get_json() == first


def test_two_concurrent_admins_cannot_create_a_circle(apps, course):
    admin = Admin(course.http)
    for _ in range(4):
        pair = [admin.create("lessons")["id"] for _ in range(2)]
        barrier = threading.Barrier(2)

        def require_the_other(n, pair=pair, barrier=barrier):
            own = Admin(apps().test_client())
            barrier.wait()
            return own("PUT", f"lessons/{pair[n]}", {"prerequisites": [pair[1 - n]]}).status_code

        assert sorted(in_parallel(2, require_the_other)) == [200, 422]


def test_a_put_replaces_prerequisites_and_keeps_them_if_omitted(admin):
    first, second = (admin.create("lessons")["id"] for _ in range(2))
    lesson = admin.create("lessons", prerequisites=[first, first])
    path = f"lessons/{lesson['id']}"

    assert lesson["prerequisites"] == [first]
    assert admin("PUT", path, {"title": "T"}).get_json()["prerequisites"] == [first]
    assert admin("PUT", path, {"prerequisites": [second]}).get_json()["prerequisites"] == [second]
    assert admin("PUT", path, {"prerequisites": []}).get_json()["prerequisites"] == []


def test_a_module_with_lessons_cannot_be_deleted(admin):
    lesson = admin.create("lessons")
    path = f"modules/{lesson['module_id']}"

    assert admin("DELETE", path).get_json() == {"error": "The module holds lessons"}
    assert admin("DELETE", f"lessons/{lesson['id']}").status_code == 204
    assert admin("DELETE", path).status_code == 204


def test_deleting_a_lesson_deletes_completions_and_unlocks_dependents(course, ann):
    admin = Admin(course.http)
    first = course.lesson()
    second = course.lesson(requires=[first])
    ann.mark(first), ann.unmark(first), ann.mark(first)

    assert admin("DELETE", f"lessons/{first}").status_code == 204

    assert ann.completed() == []
    assert ann.summary() == (0, 1, 0)
    assert ann.mark(second).status_code == 200


@every_kind
def test_lists_have_pages_a_total_count_and_links(admin, kind):
    module = admin.create("modules") if kind == "lessons" else {}
    more = {"module_id": module["id"]} if module else {}
    ids = [admin.create(kind, **more)["id"] for _ in range(5)]

    pages = [admin("GET", kind, page=page, per_page=2) for page in (1, 2, 3, 4)]

    assert [len(page.get_json()) for page in pages] == [2, 2, 1, 0]
    assert {row["id"] for page in pages for row in page.get_json()} == set(ids)
    assert {page.headers["X-Total-Count"] for page in pages} == {"5"}
    rels = [
        re.findall(r'[?&]page=(\d+)[^>]*>; rel="(\w+)"', page.headers["Link"]) for page in pages
    ]
    assert rels[0] == [("1", "first"), ("2", "next"), ("3", "last")]
    assert rels[1] == [("1", "first"), ("1", "prev"), ("3", "next"), ("3", "last")]


@every_kind
@pytest.mark.parametrize("query", [{"page": 0}, {"per_page": 101}, {"per_page": "x"}, {"page": -1}])
def test_an_invalid_page_gives_422(admin, kind, query):
    assert set(details_of(admin("GET", kind, **query), 422)) == set(query)


def test_a_page_has_twenty_rows_by_default(admin, course):
    for _ in range(21):
        course.module()

    assert len(admin("GET", "modules").get_json()) == 20


def test_lists_can_be_filtered_by_module_and_by_user(admin):
    lesson, _ = admin.create("lessons"), admin.create("lessons")
    mine, _ = admin.create("enrollments"), admin.create("enrollments", user_id="bob")

    assert admin("GET", "lessons", module_id=lesson["module_id"]).get_json() == [lesson]
    assert admin("GET", "enrollments", user_id="ann").get_json() == [mine]


def test_an_admin_enrollment_gives_access_at_once_until_its_period_ends(admin, course):
    lesson = course.lesson()
    ann = course.learner()
    enrolled = admin.create("enrollments")
    assert ann.mark(lesson).status_code == 200
    admin("PUT", f"enrollments/{enrolled['id']}", {"current_period_end": "2026-11-20T11:59:59Z"})

    assert ann.unmark(lesson).status_code == 403


def test_the_course_shows_only_published_lessons_by_position(course):
    second, first, empty = (course.module(position=n, title=f"M{n}") for n in (2, 1, 3))
    course.lesson(empty, published=False)
    late, early = (course.lesson(first, position=n, title=f"L{n}") for n in (2, 1))
    last = course.lesson(second, video_id="v1", requires=[late])

    listed = course.http.get("/v1/course", headers=bearer("ann")).get_json()

    def shown(lesson, title, video=None, prerequisites=()):
        ids = [str(each) for each in prerequisites]
        return {"id": str(lesson), "title": title, "video_id": video, "prerequisites": ids}

    assert listed == {
        "modules": [
            {"id": str(first), "title": "M1", "lessons": [shown(early, "L1"), shown(late, "L2")]},
            {"id": str(second), "title": "M2", "lessons": [shown(last, "Lesson", "v1", [late])]},
        ]
    }
