"""Request schemas of the marks of `/api/progress`, with examples."""

from __future__ import annotations

import msgspec

from resume_service.resume.schemas.progress import AGE_DESCRIPTION, INVALID
from resume_service.web.ages import AgeMs, is_age
from resume_service.web.bodies import load_body
from resume_service.web.fields import BodySchema

EXAMPLE_MARK = {"ageMs": 0}


class AgeSchema(BodySchema):
    """The body of a mark. It may be absent."""

    ageMs = AgeMs(metadata={"description": AGE_DESCRIPTION})


class _MarkBody(msgspec.Struct, gc=False):
    ageMs: int | float = 0


_decode_mark = msgspec.json.Decoder(_MarkBody).decode
_mark_schema = AgeSchema()


def load_mark_age(body: bytes) -> float:
    """Return the age in the body of a mark, in ms. Raises the same errors as the Flask routes."""
    if not body:
        return 0
    try:
        age_ms = _decode_mark(body.decode()).ageMs  # `decode` checks the UTF-8
        if is_age(age_ms):
            return age_ms
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    loaded: int = load_body(_mark_schema, body, INVALID)["ageMs"]
    return loaded
