"""Response schemas of `/v1/course`."""

from __future__ import annotations

from marshmallow import Schema, fields

EXAMPLE = {
    "modules": [
        {
            "id": "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40",
            "title": "How film works",
            "lessons": [
                {
                    "id": "0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c80",
                    "title": "Welcome",
                    "video_id": "demo-welcome",
                    "prerequisites": [],
                },
                {
                    "id": "0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c81",
                    "title": "Light",
                    "video_id": "demo-light",
                    "prerequisites": ["0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c80"],
                },
            ],
        }
    ]
}


class OfferedLessonSchema(Schema):
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    video_id = fields.String(required=True, allow_none=True)
    prerequisites = fields.List(fields.UUID(), required=True)


class OfferedModuleSchema(Schema):
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    lessons = fields.List(fields.Nested(OfferedLessonSchema), required=True)


class CourseSchema(Schema):
    modules = fields.List(fields.Nested(OfferedModuleSchema), required=True)
