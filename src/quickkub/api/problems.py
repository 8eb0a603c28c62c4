"""Every no as an RFC 9457 problem, and everything unexpected as a 500 that tells nothing but its number.

The `type` of a problem is the relative address of its line on /docs/problems, so it resolves on the gateway
that sent it and names no outside host.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from quickkub.api.strictjson import ParameterInvalid, refusal_from
from quickkub.kernel.errors import Kind, Refusal
from quickkub.telemetry import get_logger

PROBLEM_JSON: Final = "application/problem+json"
_DETAIL_LETTERS_MAX: Final = 500
_log = get_logger("api")


class RouteNotFound(Refusal):
    """There is nothing at this address."""

    code, kind = "not_found", Kind.NOT_FOUND


class MethodNotAllowed(Refusal):
    """The address does not take this HTTP method. `Allow` lists those it takes."""

    code, kind = "method_not_allowed", Kind.METHOD


class BodyTooLarge(Refusal):
    """The body is larger than this operation takes."""

    code, kind = "body_too_large", Kind.TOO_LARGE


class RequestMalformed(Refusal):
    """The request cannot be read as HTTP meant for this gateway."""

    code, kind = "request_malformed", Kind.INVALID


class Problem(msgspec.Struct, kw_only=True):
    """A problem (RFC 9457). `code` is for programs, `detail` for people; `param` names the field at fault."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    param: str | None
    request_id: str


def internal_problem(request_id: str) -> Problem:
    """What is told about a bug: its number, and nothing else."""
    return Problem(
        type="/docs/problems#internal_error",
        title="Something went wrong that is not your fault",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="the gateway could not answer; ask its operator and name the request_id",
        code="internal_error",
        param=None,
        request_id=request_id,
    )


def title_of(refusal: type[Refusal]) -> str:
    """What the code means, the same every time: the first sentence of the class's docstring."""
    text = " ".join((refusal.__doc__ or "").split())
    sentence = text.partition(". ")[0].rstrip(".")
    return sentence or refusal.code.replace("_", " ").capitalize()


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response[bytes]:
    """The answer that carries a problem."""
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers=headers or {},
    )


def request_id_of(request: Request[Any, Any, Any]) -> str:
    """The id given to this request at the edge."""
    return str(request.scope["state"].get("request_id", ""))


def problem_of(refusal: Refusal, request_id: str) -> Problem:
    """A business no, in the words of RFC 9457."""
    return Problem(
        type=f"/docs/problems#{refusal.code}",
        title=title_of(type(refusal)),
        status=refusal.kind.value,
        detail=refusal.detail[:_DETAIL_LETTERS_MAX],
        code=refusal.code,
        param=refusal.param,
        request_id=request_id,
    )


def refused(request: Request[Any, Any, Any], refusal: Refusal, **headers: str) -> Response[bytes]:
    """A business no."""
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if refusal.kind is Kind.UNAUTHENTICATED:
        # RFC 6750 3.1: a token that was shown and is no good is told apart from none at all.
        shown = ', error="invalid_token"' if "authorization" in request.headers else ""
        headers["WWW-Authenticate"] = f'Bearer realm="quickkub"{shown}'
    if refusal.kind is Kind.UNAVAILABLE:
        _log.warning("refused for want of a service", code=refusal.code, reason=refusal.detail)
    request.scope["state"]["problem_code"] = refusal.code
    problem = problem_of(refusal, request_id_of(request))
    return problem_response(problem, headers)


def _from_refusal(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    assert isinstance(error, Refusal)
    return refused(request, error)


def _from_litestar(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's own refusals: routing, methods, sizes, and path and query parameters."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case _ if isinstance(error, ValidationException):
            return refused(request, _invalid_parameter(error))
        case HTTPStatus.NOT_FOUND:
            return refused(request, RouteNotFound("there is nothing at this address"))
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allow = allowed((error.headers or {}).get("allow", "").split(", "))
            return refused(request, MethodNotAllowed(f"this address takes {allow}"), Allow=allow)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return refused(request, BodyTooLarge("the body is larger than this operation takes"))
        case status if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return refused(request, RequestMalformed("the request cannot be read"))
        case _:
            return unexpected(request, error)


def allowed(methods: Iterable[str]) -> str:
    """The value of `Allow`: where GET is taken, so is HEAD."""
    taken = set(methods) | {"OPTIONS"}
    return ", ".join(sorted(taken | {"HEAD"} if "GET" in taken else taken))


def _invalid_parameter(error: ValidationException) -> Refusal:
    for told in error.extra if isinstance(error.extra, list) else []:
        key, message = told.get("key"), told.get("message", "")
        refusal = refusal_from(message)
        return type(refusal)(refusal.detail, param=key or refusal.param)
    return ParameterInvalid("a path or query parameter has a type or value that is not accepted")


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A bug, or a trouble nobody foresaw. Logged with the request id, which is all the caller is told."""
    _log.error("request failed", exc_info=error, request_id=request_id_of(request))
    request.scope["state"]["problem_code"] = "internal_error"
    return problem_response(internal_problem(request_id_of(request)))


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    Refusal: _from_refusal,
    HTTPException: _from_litestar,
    Exception: unexpected,
}
"""The outermost net of every route."""
