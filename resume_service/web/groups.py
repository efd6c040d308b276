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
    "Health checks, metrics and this page.",
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
        "Save a viewer's position in a video, and read it on any device.",
        ("progress", "batch"),
    ),
    Group(
        "Live changes",
        "A stream of events, so that other devices show a change at once.",
        ("live",),
    ),
    Group(
        "Watched and dismissed",
        "What a viewer marks by hand, for one video or a whole series.",
        ("marks", "series"),
    ),
    Group("Continue watching", "The lists of a start page.", ("viewing",)),
    Group("History", "The archived points of a viewer.", ("history",)),
    Group(
        "Progress in percent", "Resume points for players that send a rate.", ("video_progress",)
    ),
    Group("Movies and episodes", "Resume points with a route for each kind.", ("playback",)),
    Group(
        "Videos", "The catalogue, its streams and its views.", ("videos", "streams", "view_logs")
    ),
    Group("Lessons", "The published course, and how far a viewer is.", ("course", "lessons")),
    Group(
        "Course administration",
        "Edit the course, and let users in.",
        ("modules", "course-lessons", "enrollments", "billing"),
    ),
    Group("Companies", "A company has users and videos.", ("corporations",)),
    Group("Users", "The users of a company.", ("users",)),
    OPERATION,
)
"""In the order of the page."""
BY_BLUEPRINT = {blueprint: group for group in GROUPS for blueprint in group.blueprints}
