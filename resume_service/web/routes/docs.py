"""`/openapi.json`: the OpenAPI document, generated from the schemas.

`/docs` shows this document as a web page, with Swagger UI.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_swagger_ui
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from marshmallow import fields

from resume_service.settings import Settings
from resume_service.web import ages
from resume_service.web.blueprint import RowId
from resume_service.web.error_responses import Api, error_response
from resume_service.web.fields import Items
from resume_service.web.groups import OPERATION
from resume_service.web.pages import page_blueprint

DOCUMENT = "/openapi.json"
ENDPOINTS = frozenset({"api-docs.openapi_json", "docs.page", "docs.part"})
FOLDER = Path(__file__).parents[1] / "docs_page"
SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
SWAGGER_UI_FILES = dict.fromkeys(("swagger-ui-bundle.js", "swagger-ui.css"), SWAGGER_UI)

DESCRIPTION = """\
Save a viewer's position in a video, and read it on any device.

1. **Get a token** from `POST /v1/auth/login` if this service has accounts, else from your issuer.
2. **Save** with `POST /api/progress` every few seconds while a video plays.
3. **Read** with `GET /api/progress/{clerkId}/{tmdbId}` when a player starts.

## Conventions

- A route with a padlock needs the token in the header `Authorization: Bearer …`.
- Times are ISO 8601 in UTC with milliseconds. Positions and durations are JSON numbers of seconds.
- The body of an error is `{"error": message}`. If a validation failed, `details` lists the errors of
  each field.
- Every response has the header `X-Request-Id`. If a write has an `Idempotency-Key`, the response has
  the same `Idempotency-Key`.
"""
"""`/docs` shows what follows the heading "Conventions" in a closed block."""
ANY_ITEM = "Any other item gets an error in its result."
ROW_ID = {"type": "integer", "format": "int64", "minimum": 1}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}

blp = page_blueprint("docs", FOLDER, SWAGGER_UI_FILES)


class _Converter(OpenAPIConverter):
    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        """Convert the schema like apispec, and add its `Meta.json_schema`.

        `Meta.json_schema` contains rules that concern several fields of the schema.
        """
        result: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        return result | getattr(schema.Meta, "json_schema", {})


def _items(converter: _Converter, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Describe the items of the field `Items`."""
    if not isinstance(field, Items):
        return {}
    documented = [
        converter.resolve_nested_schema(each)  # type: ignore[no-untyped-call]
        for each in field.schemas
    ]
    return {"items": {"anyOf": [*documented, {"description": ANY_ITEM}]}}


class _Plugin(MarshmallowPlugin):
    Converter = _Converter

    def __init__(self, *describe_field: Callable[..., dict[str, Any]]) -> None:
        super().__init__()
        self._describe_field = describe_field

    def init_spec(self, spec: APISpec) -> None:
        super().init_spec(spec)
        for each in self._describe_field:
            self.converter.add_attribute_function(each)  # type: ignore[union-attr]


def describe(app: Flask, version: str, settings: Settings) -> Api:
    """Add the routes `/openapi.json` and `/docs` to `app`.

    The OpenAPI document contains the blueprints that are registered on the returned Api.
    """
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
            "marshmallow_plugin": _Plugin(ages.describe_maximum(settings), _items),
            "info": {"description": DESCRIPTION},
            "security": [{"bearer": []}],
        },
    )
    api.register_converter(RowId, lambda _: ROW_ID)
    api.spec.components.schemas.pop("PaginationMetadata")  # no route uses it
    api.spec.components.security_scheme("bearer", BEARER)
    app.register_blueprint(blp)
    for endpoint, summary, kind in (
        ("api-docs.openapi_json", "The OpenAPI document.", "application/json"),
        ("docs.page", "The OpenAPI document as a web page.", "text/html"),
    ):
        success = {"description": "OK", "content": {kind: {"schema": {}}}}
        responses = {"200": success, "500": error_response(500)}
        read = {
            "summary": summary,
            "tags": [OPERATION.name],
            "security": [],
            "responses": responses,
        }
        rule = next(app.url_map.iter_rules(endpoint))
        api.spec.path(rule=rule, operations={"get": read})
    return api
