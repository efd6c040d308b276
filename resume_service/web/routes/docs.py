"""`/openapi.json` and `/docs`: the API described by the schemas that check it."""

from __future__ import annotations

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from flask_swagger_ui import get_swaggerui_blueprint

from resume_service.web.blueprint import RowId
from resume_service.web.error_responses import Api, error_response

DOCUMENT = "/openapi.json"
PAGE = "/docs"
ENDPOINTS = frozenset({"api-docs.openapi_json", "docs", "swagger_ui.show"})

DESCRIPTION = """\
Save where a viewer is, and go on from there on any device.

Times are ISO 8601 in UTC with milliseconds, spans of video JSON numbers of seconds. A failure is
`{"error": message}`, with `details` by field when a validation failed. Every answer carries
`X-Request-Id`; every write echoes an `Idempotency-Key`.
"""
ROW_ID = {"type": "integer", "format": "int64", "minimum": 1}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class _Converter(OpenAPIConverter):
    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        """As apispec's, with the rules between fields that a schema states as Meta.json_schema."""
        error_response: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        return error_response | getattr(schema.Meta, "json_schema", {})


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


def describe(app: Flask, version: str) -> Api:
    """Serve the document and its page on `app`; routes registered on the result are in it."""
    app.config.update(
        API_TITLE="Resume points",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH=DOCUMENT,
    )
    api = Api(
        app,
        spec_kwargs={
            "marshmallow_plugin": _Plugin(),
            "info": {"description": DESCRIPTION},
            "security": [{"bearer": []}],
        },
    )
    api.register_converter(RowId, lambda _: ROW_ID)
    api.spec.components.schemas.pop("PaginationMetadata")  # of a feature that nothing here uses
    api.spec.components.security_scheme("bearer", BEARER)
    app.register_blueprint(get_swaggerui_blueprint(PAGE, DOCUMENT, {"validatorUrl": None}))
    app.add_url_rule(PAGE, "docs", app.view_functions["swagger_ui.show"])  # spares a redirect
    for endpoint, summary, kind in (
        ("api-docs.openapi_json", "This document.", "application/json"),
        ("docs", "This document for people.", "text/html"),
    ):
        answer = {"description": "OK", "content": {kind: {"schema": {}}}}
        responses = {"200": answer, "500": error_response(500)}
        read = {"summary": summary, "tags": ["docs"], "security": [], "responses": responses}
        rule = next(app.url_map.iter_rules(endpoint))
        api.spec.path(rule=rule, operations={"get": read})
    return api
