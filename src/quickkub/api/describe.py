"""OpenAPI 3.1, written from the routes and the types they name. No other hand describes the API.

msgspec's schemas are JSON Schema 2020-12, which is what OpenAPI 3.1 uses, so they go in as they are.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from litestar.handlers import HTTPRouteHandler

from quickkub.access.permissions import PermissionMissing
from quickkub.access.sessions import SecondFactorRequired, StepUpRequired
from quickkub.access.step_up import STEP_UP
from quickkub.api import once, operators, schema, v1
from quickkub.api.auth import VERSION_HEADER, HeaderRepeated, VersionUnknown
from quickkub.api.auth_routes import people
from quickkub.api.limits.desk import RateLimited, TooManyAtOnce
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.api.problems import PROBLEM_JSON, BodyTooLarge, Problem, RequestMalformed
from quickkub.api.request import BodyTooSlow, EncodingUnsupported, MediaTypeUnsupported
from quickkub.api.strictjson import (
    BodyMalformed,
    BodyTooComplex,
    ParameterInvalid,
    ParameterMissing,
    ParameterUnknown,
)
from quickkub.kernel.errors import Refusal
from quickkub.merchants.keys import KeyNotPermitted, KeyRefused, MerchantInactive
from quickkub.storage import DatabaseAway
from quickkub.webhooks.event import API_VERSION
from quickkub.webhooks.rules import EVENT_TYPES

_REF: Final = "#/components/schemas/{name}"
_ALWAYS: Final = (
    KeyRefused,
    KeyNotPermitted,
    PermissionMissing,
    MerchantInactive,
    VersionUnknown,
    HeaderRepeated,
    RequestMalformed,
    ParameterUnknown,
    ParameterInvalid,
    RateLimited,
    TooManyAtOnce,
    DatabaseAway,
)
_FOR_EVERYBODY: Final = (
    HeaderRepeated,
    RequestMalformed,
    ParameterUnknown,
    ParameterInvalid,
    RateLimited,
    DatabaseAway,
)
"""The same where nobody shows a key."""

_WITH_BODY: Final = (
    BodyMalformed,
    BodyTooComplex,
    BodyTooLarge,
    BodyTooSlow,
    MediaTypeUnsupported,
    EncodingUnsupported,
    ParameterMissing,
)
_ONCE: Final = (once.KeyMissing, once.KeyMalformed)

_INTRODUCTION: Final = """
Amounts are whole minor units: 15000 is 150.00 THB. Times are RFC 3339 in UTC. A no is a problem (RFC 9457)
with `code` for programs, `param` for the field or header at fault, and `request_id`. Every POST that can move
money needs an `Idempotency-Key`; the same key with the same words gives the same answer for 30 days. Unknown
fields and parameters are refused, so a typing error does not pass unnoticed.
"""


def openapi(routes: Sequence[HTTPRouteHandler]) -> dict[str, Any]:
    """The document for these routes, as plain values in a stable order."""
    described = list(_operations(routes))
    schemas, components = _schemas(described)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, method, operation in described:
        paths[path][method] = _operation(path, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "QuickKub API",
            "version": API_VERSION,
            "description": " ".join(_INTRODUCTION.split()),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"basic": []}],
        "paths": dict(sorted(paths.items())),
        "webhooks": {kind: _webhook(kind, schemas) for kind in EVENT_TYPES},
        "components": {"schemas": dict(sorted(components.items())), "securitySchemes": _SECURITY},
    }


def openapi_json() -> str:
    """The text of docs/generated/openapi.json."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


_SECURITY: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "An API key (`qk_test_sk_...`, `qk_live_sk_...`), or an access token of the OAuth2 server "
            "(`/.well-known/oauth-authorization-server`)."
        ),
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The same key as the user name, and no password.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-qk_session",
        "description": (
            "A person's session. What changes something also needs `Origin` and, once there is a session, "
            "its `csrf_token` in the header `X-CSRF-Token`. Under /v1 no cookie counts."
        ),
    },
}


def _operations(routes: Sequence[HTTPRouteHandler]) -> Iterator[tuple[str, str, Operation]]:
    for route in routes:
        operation: Operation = route.opt[OPT_KEY]
        for path in route.paths:
            for method in route.http_methods:
                yield re.sub(r"\{(\w+):\w+\}", r"{\1}", path), str(method).lower(), operation


def _schemas(
    described: Sequence[tuple[str, str, Operation]],
) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """Each type's schema, and the named ones. A page of payments is named PaymentList, not List_Payment_."""
    wanted: list[Any] = [schema.Event, Problem]
    for _, _, operation in described:
        wanted += [
            one for one in (operation.answers, operation.body) if one is not None and one not in wanted
        ]
    found, named = msgspec.json.schema_components(wanted, ref_template=_REF)
    text = re.sub(r"\bList_(\w+?)_(?=\")", r"\1List", _in_javascript(json.dumps([list(found), named])))
    in_order, components = json.loads(text, parse_float=str)
    for component in components.values():
        component.pop("title", None)
    return dict(zip(map(_key, wanted), in_order, strict=True)), components


def _in_javascript(text: str) -> str:
    """The end of a text is `$` in patterns of JSON Schema; see schema.exactly for what it is in ours."""
    return text.replace(r'\\Z"', '$"')


def _key(wanted: Any) -> str:
    return repr(wanted)


def _operation(path: str, operation: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": operation.id, "summary": operation.summary}
    told["description"] = _described(operation)
    told["tags"] = [path.split("/")[2 if path.startswith("/v1/") else 1]]
    if operation.needs is None:
        told["security"] = [{"session": []}, {}]
    elif operation.platform:
        told["security"] = [{"session": []}]
    told["parameters"] = [*_path_parameters(path), *_query_parameters(operation.query), *_headers(operation)]
    if operation.body is not None:
        told["requestBody"] = {
            "required": bool(_required(operation.body)),
            "content": {"application/json": {"schema": schemas[_key(operation.body)]}},
        }
    told["responses"] = {
        str(operation.status): {
            "description": " ".join((getattr(operation.answers, "__doc__", "") or "One page.").split()),
            "content": {"application/json": {"schema": schemas[_key(operation.answers)]}},
        }
    } | _problems(operation, schemas)
    return told


def _described(operation: Operation) -> str:
    """Its own words, the permission it needs, and whether it needs a step-up."""
    needs = f"Needs the permission `{operation.needs}`." if operation.needs else "Takes no key."
    if operation.id in STEP_UP and "step-up" not in operation.description:
        needs += " Needs a step-up, if a person asks."
    return f"{operation.description} {needs}".strip()


def _required(body: type) -> list[str]:
    return [field.name for field in msgspec.structs.fields(body) if field.required]


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": _PATTERNS[name]},
        }
        for name in re.findall(r"\{(\w+)\}", path)
    ]


_PATTERNS: Final = {
    "payment": "^pay_[0-9a-f]{32}$",
    "endpoint": "^we_[0-9a-f]{32}$",
    "event": "^evt_[0-9a-f]{32}$",
    "refund": "^re_[0-9a-f]{32}$",
    "dispute": "^dp_[0-9a-f]{32}$",
    "case": "^case_[0-9a-f]{32}$",
    "session": "^ses_[0-9a-f]{32}$",
    "audit_log": "^aud_[0-9a-f]{32}$",
    "api_key": "^key_[0-9a-f]{32}$",
    "member": "^usr_[0-9a-f]{32}$",
    "invitation": "^inv_[0-9a-f]{32}$",
    "approval": "^apr_[0-9a-f]{32}$",
    "account": "^acc_[0-9a-f]{32}$",
    "merchant": "^mer_[0-9a-f]{32}$",
    "application": "^kyc_[0-9a-f]{32}$",
    "document": "^doc_[0-9a-f]{32}$",
    "oauth_client": "^cli_[0-9a-f]{32}$",
    "entry": "^fle_[0-9a-f]{32}$",
    "decision": "^frd_[0-9a-f]{32}$",
    "review": "^frv_[0-9a-f]{32}$",
    "privacy_request": "^prq_[0-9a-f]{32}$",
    "hold": "^hld_[0-9a-f]{32}$",
}


def _query_parameters(query: type) -> list[dict[str, Any]]:
    shape = json.loads(_in_javascript(json.dumps(msgspec.json.schema(query))))
    properties = shape["$defs"][query.__name__]["properties"]
    parameters = []
    for name, found in properties.items():
        one = _not_null(found)
        parameter = {"name": name, "in": "query", "required": False}
        if description := one.pop("description", None):
            parameter["description"] = description
        if one.get("type") == "array":
            parameter |= {"style": "form", "explode": True}
        parameters.append(parameter | {"schema": one})
    return parameters


def _not_null(shape: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null; the types say `| None` because left out reads as None."""
    alternatives = [one for one in shape.get("anyOf", []) if one != {"type": "null"}]
    merged = shape | alternatives[0] if len(alternatives) == 1 else dict(shape)
    if len(alternatives) == 1:
        del merged["anyOf"]
    if "enum" in merged:
        merged["enum"] = [one for one in merged["enum"] if one is not None]
    if merged.get("default", ...) is None:
        del merged["default"]
    return merged


def _headers(operation: Operation) -> list[dict[str, Any]]:
    version: dict[str, Any] = {
        "name": VERSION_HEADER,
        "in": "header",
        "required": False,
        "description": "The date of the API version this request was written for.",
        "schema": {"type": "string", "enum": [API_VERSION]},
    }
    if operation.needs is None:
        return []
    if not operation.once:
        return [version]
    key = {
        "name": once.HEADER,
        "in": "header",
        "required": True,
        "description": "New for every intent, the same for every retry of it.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
    }
    return [key, version]


def _problems(operation: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    by_status: dict[int, set[str]] = defaultdict(set)
    for refusal in _refusals_of(operation):
        by_status[refusal.kind.value].add(f"`{refusal.code}`")
    by_status[500].add("`internal_error`")
    content = {PROBLEM_JSON: {"schema": schemas[_key(Problem)]}}
    return {
        str(status): {"description": ", ".join(sorted(codes)), "content": content}
        for status, codes in sorted(by_status.items())
    }


def _refusals_of(operation: Operation) -> Sequence[type[Refusal]]:
    reads_body = operation.body is not None or operation.once
    return (
        *(_ALWAYS if operation.needs else _FOR_EVERYBODY),
        *operation.refusals,
        *((SecondFactorRequired, StepUpRequired) if operation.id in STEP_UP else ()),
        *(_WITH_BODY if reads_body else ()),
        *(_ONCE if operation.once else ()),
    )


def _webhook(kind: str, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    return {
        "post": {
            "operationId": "on" + "".join(word.capitalize() for word in re.split(r"[._]", kind)),
            "summary": f"An event of type {kind}",
            "security": [],
            "requestBody": {"content": {"application/json": {"schema": schemas[_key(schema.Event)]}}},
            "responses": {"200": {"description": "Any 2xx: the event is taken and not sent again."}},
        }
    }


@cache
def document() -> dict[str, Any]:
    """The document of this version's routes, made when it is first asked for."""
    return openapi((*v1.ROUTES, *operators.ROUTES, *people.ROUTES))
