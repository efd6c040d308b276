# The part of flask-smorest that this project uses; the package ships no types of its own.
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import flask
from apispec import APISpec
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

_View = TypeVar("_View", bound=Callable[..., Any])
_Schema: TypeAlias = type[Schema] | Schema | dict[str, Any]

class Api:
    ERROR_SCHEMA: type[Schema]
    DEFAULT_ERROR_RESPONSE_NAME: str | None
    spec: APISpec
    def __init__(self, app: flask.Flask, *, spec_kwargs: dict[str, Any] | None = ...) -> None: ...
    def handle_http_exception(self, error: HTTPException) -> ResponseReturnValue: ...
    def register_converter(
        self, converter: type[Any], func: Callable[[Any], dict[str, Any]]
    ) -> None: ...
    def register_blueprint(self, blp: Blueprint) -> None: ...

class Blueprint(flask.Blueprint):
    ARGUMENTS_PARSER: FlaskParser
    def __init__(
        self, name: str, import_name: str, *, url_prefix: str | None = ..., description: str = ...
    ) -> None: ...
    def arguments(
        self,
        schema: type[Schema],
        *,
        location: str = ...,
        required: bool = ...,
        example: Any = ...,
        error_status_code: int = ...,
    ) -> Callable[[_View], _View]: ...
    def response(
        self,
        status_code: int,
        schema: _Schema | None = ...,
        *,
        content_type: str | None = ...,
        example: Any = ...,
        headers: dict[str, Any] | None = ...,
    ) -> Callable[[_View], _View]: ...
    @staticmethod
    def doc(**kwargs: Any) -> Callable[[_View], _View]: ...
