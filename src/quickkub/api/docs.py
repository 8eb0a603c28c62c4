"""/docs: the API for reading, and /docs/openapi.json for tools.

Own plain HTML with one embedded style, named in the policy by its hash: no script, and nothing from anyone
else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any, Final

from litestar import Response, get

from quickkub.api.describe import document
from quickkub.api.problems import title_of
from quickkub.kernel.errors import Refusal, all_refusals

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
code,pre{font:14px/1.4 ui-monospace,monospace}
pre{background:#f4f5f7;padding:.75rem;overflow:auto;border-radius:6px}
section{border-top:1px solid #d0d7de;padding:.5rem 0 1rem}
table{border-collapse:collapse}td,th{text-align:left;padding:.25rem 1rem .25rem 0;vertical-align:top}
.m{display:inline-block;min-width:4rem;font-weight:600}
"""
_POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)


def _page(title: str, body: str) -> Response[bytes]:
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{body}</html>"
    )
    return Response(html.encode(), media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@get("/docs", include_in_schema=False)
async def docs_page() -> Response[bytes]:
    """Every operation, for people."""
    described = document()
    body = (
        f"<p>{escape(described['info']['description'])}</p>"
        '<p><a href="/docs/openapi.json">openapi.json</a> (OpenAPI 3.1), '
        '<a href="/docs/problems">problems</a></p>'
        + "".join(_operations(described))
        + "<h2>Objects</h2>"
        + "".join(_object(name, one) for name, one in described["components"]["schemas"].items())
    )
    return _page(f"{described['info']['title']} {described['info']['version']}", body)


def _operations(described: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            yield (
                f'<section id="{escape(told["operationId"])}"><h2><span class="m">{method.upper()}</span> '
                f"<code>{escape(path)}</code></h2><p>{escape(told['summary'])}. "
                f"{escape(told.get('description', ''))}</p>{_parameters(told)}{_words(told)}</section>"
            )


def _parameters(told: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td>"
        f"<td>{one['in']}{', required' if one['required'] else ''}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in told["parameters"]
    )
    return f"<table>{rows}</table>"


def _words(told: Mapping[str, Any]) -> str:
    taken = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    rows = [f"<tr><th>takes</th><td>{_linked(taken)}</td></tr>"] if taken else []
    for status, answered in told["responses"].items():
        shape = next(iter(answered["content"].values()))["schema"]
        what = _linked(shape) if status.startswith("2") else escape(answered["description"]).replace("`", "")
        rows.append(f"<tr><th>{status}</th><td>{what}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _linked(shape: Mapping[str, Any]) -> str:
    name = str(shape.get("$ref", "")).rpartition("/")[2]
    return f'<a href="#{escape(name)}"><code>{escape(name)}</code></a>'


def _object(name: str, shape: Mapping[str, Any]) -> str:
    shown = {field: one for field, one in shape.items() if field != "description"}
    return (
        f'<section id="{escape(name)}"><h3><code>{escape(name)}</code></h3>'
        f"<p>{escape(shape.get('description', ''))}</p>"
        f"<pre>{escape(json.dumps(shown, indent=2, ensure_ascii=False))}</pre></section>"
    )


@get("/docs/problems", include_in_schema=False)
async def problems_page() -> Response[bytes]:
    """Every way this gateway says no; the `type` of a problem leads here."""
    rows = "".join(
        f'<tr id="{escape(code)}"><td><code>{escape(code)}</code></td><td>{status}</td>'
        f"<td>{escape(title)}.</td></tr>"
        for code, status, title in problem_rows()
    )
    return _page("Problems", f"<table><tr><th>code</th><th>status</th><th>meaning</th></tr>{rows}</table>")


_FROM_THE_EDGE: Final = (
    ("headers_too_large", 431, "The request's headers are too large"),
    ("internal_error", 500, "Something went wrong that is not your fault"),
)


def problem_rows() -> list[tuple[str, int, str]]:
    """Code, status and meaning of every refusal there is, one row per code."""
    found = {
        one.code: (one.code, one.kind.value, title_of(one)) for one in all_refusals() if one is not Refusal
    }
    return sorted([*found.values(), *_FROM_THE_EDGE])


@cache
def _openapi_bytes() -> bytes:
    return json.dumps(document(), ensure_ascii=False).encode()


@get("/docs/openapi.json", include_in_schema=False)
async def openapi_document() -> Response[bytes]:
    """The same for tools."""
    return Response(_openapi_bytes(), media_type="application/json")


ROUTES: Final = (docs_page, problems_page, openapi_document)
