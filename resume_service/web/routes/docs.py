"""`/openapi.json` and `/docs`: the OpenAPI document, generated from the schemas."""

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
Save a viewer's position in a video, and read it on any device.

Times are ISO 8601 in UTC with milliseconds. Positions and durations are JSON numbers of seconds. An
error is `{"error": message}`. A failed validation adds `details` by field. Every response has
`X-Request-Id`. A write with an `Idempotency-Key` gets the key back.
"""
ROW_ID = {"type": "integer", "format": "int64", "minimum": 1}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class _Converter(OpenAPIConverter):
    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        """As in apispec, plus Meta.json_schema: the rules between the fields of a schema."""
        result: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        return result | getattr(schema.Meta, "json_schema", {})


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


def describe(app: Flask, version: str) -> Api:
    """Serve the document and its page. Register on the result the blueprints to document."""
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
    api.spec.components.schemas.pop("PaginationMetadata")  # no route uses it
    api.spec.components.security_scheme("bearer", BEARER)
    app.register_blueprint(get_swaggerui_blueprint(PAGE, DOCUMENT, {"validatorUrl": None}))
    app.add_url_rule(PAGE, "docs", app.view_functions["swagger_ui.show"])  # avoids a redirect
    for endpoint, summary, kind in (
        ("api-docs.openapi_json", "The OpenAPI document.", "application/json"),
        ("docs", "The OpenAPI document as a web page.", "text/html"),
    ):
        success = {"description": "OK", "content": {kind: {"schema": {}}}}
        responses = {"200": success, "500": error_response(500)}
        read = {"summary": summary, "tags": ["docs"], "security": [], "responses": responses}
        rule = next(app.url_map.iter_rules(endpoint))
        api.spec.path(rule=rule, operations={"get": read})
    return api
