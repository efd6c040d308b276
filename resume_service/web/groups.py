"""The groups of `/docs`: which blueprints each one has, and its name and text for people.

The text is CommonMark. In the OpenAPI document, a group is a tag.
"""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    name: str
    description: str
    blueprints: tuple[str, ...]

    def as_tag(self) -> dict[str, str]:
        """Return the tag of the OpenAPI document."""
        return {"name": self.name, "description": self.description}


OPERATION = Group(
    "Operation",
    "Use this to watch over the service: health checks, metrics, and this page.",
    ("health", "metrics", "home"),
)
GROUPS = (
    Group(
        "Sign in",
        "Get a token. Send your email address and password to the first route. Then send the"
        " `access_token` of the response in the header `Authorization: Bearer …` of each request."
        " It is valid for 15 minutes; the second route renews it.",
        ("sign_in",),
    ),
    Group(
        "Resume points",
        "**The usual choice.** Use this if your player reports seconds. It needs no catalogue: any id of a"
        " video is valid.",
        ("progress", "batch"),
    ),
    Group(
        "Live changes",
        "Use this if a viewer's other devices must show a change at once: a stream of events.",
        ("live",),
    ),
    Group(
        "Watched and dismissed",
        "Use this for what a viewer marks by hand, for one video or a whole series.",
        ("marks", "series"),
    ),
    Group(
        "Continue watching",
        "Use this for a start page: what to continue, and the next episode of each series.",
        ("viewing",),
    ),
    Group(
        "History",
        "Use this for points that are older than the resume points: the archive of a viewer.",
        ("history",),
    ),
    Group(
        "Progress in percent",
        "Use this if your player reports percent, not seconds. It saves the same points.",
        ("video_progress",),
    ),
    Group(
        "Movies and episodes",
        "Use this if your application has a route for each kind of video, in whole seconds. It saves"
        " the same points.",
        ("playback",),
    ),
    Group(
        "Videos",
        "Use this to add videos to the catalogue, to find them and to play them.",
        ("videos", "streams", "view_logs"),
    ),
    Group(
        "Lessons",
        "Use this to show a course, and to mark its lessons as completed.",
        ("course", "lessons"),
    ),
    Group(
        "Course administration",
        "Use this to edit the course, and to enrol users.",
        ("modules", "course-lessons", "enrollments", "billing"),
    ),
    Group(
        "Companies",
        "Use this first on a new service: a company has the users and the videos.",
        ("corporations",),
    ),
    Group("Users", "Use this to add and change the users of a company.", ("users",)),
    OPERATION,
)
"""In the order of the page."""
BY_BLUEPRINT = {blueprint: group for group in GROUPS for blueprint in group.blueprints}
