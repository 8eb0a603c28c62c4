"""Forms as OAuth2 writes them, and the proof a client brings along with one (RFC 6749 2.3.1, 3.2; RFC
7523 2.2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from quickkub.access import jose
from quickkub.access.oauth.errors import OAuthClientRefused, OAuthRequestInvalid
from quickkub.access.oauth.identify import ASSERTION_TYPE, Proof
from quickkub.api.auth import one_header
from quickkub.api.request import GatewayRequest
from quickkub.kernel.secrets import Secret

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES_MAX: Final = 16 * 1024
_FIELDS_MAX: Final = 50


async def read_form(request: GatewayRequest) -> dict[str, str]:
    """The body's parameters; those without a value count as left out.

    Raises OAuthRequestInvalid, HeaderRepeated, BodyTooLarge, BodyTooSlow, CallerGone.
    """
    one_header(request, "Content-Type")
    media_type, options = request.content_type
    if media_type != FORM or options.get("charset", "utf-8").lower() != "utf-8":
        raise OAuthRequestInvalid(f"send the body as {FORM}", param="Content-Type")
    if (one_header(request, "Content-Encoding") or "identity").lower() != "identity":
        raise OAuthRequestInvalid("send the body without compression", param="Content-Encoding")
    if request.scope["query_string"]:
        # Addresses are kept in logs, where no secret belongs.
        raise OAuthRequestInvalid("parameters belong in the body")
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise OAuthRequestInvalid("the body is not a percent-encoded form, or has too many fields") from None
    return once_each(pairs)


def once_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name. Raises OAuthRequestInvalid for one that is given twice or holds NUL."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise OAuthRequestInvalid("a parameter is given twice")
        if "\0" in value:
            raise OAuthRequestInvalid("a parameter holds NUL")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def proof_in(header: str | None, form: Mapping[str, str]) -> Proof:
    """What a client shows: in the header or in the form, in one way only.

    Raises OAuthRequestInvalid for several ways, OAuthClientRefused for none or one that cannot be read.
    """
    named = form.get("client_id")
    ways = [header is not None, "client_secret" in form, "client_assertion" in form]
    if sum(ways) > 1:
        raise OAuthRequestInvalid("a client authenticates in one way at a time")
    if header is not None:
        client, secret = _basic(header)
        if named is not None and named != client:
            raise OAuthRequestInvalid("two clients are named", param="client_id")
        return Proof(client, secret=secret)
    if "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthRequestInvalid("the assertion's type is not known", param="client_assertion_type")
        assertion = form["client_assertion"]
        return Proof(named or jose.subject_named(assertion) or "", assertion=assertion)
    if named is None:
        raise OAuthClientRefused
    return Proof(named, secret=Secret(form["client_secret"]) if "client_secret" in form else None)


def _basic(header: str) -> tuple[str, Secret]:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthClientRefused
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise OAuthClientRefused from None
    client, colon, secret = text.partition(":")
    if not (client and colon and secret):
        raise OAuthClientRefused
    # Both are form-encoded before they are joined (RFC 6749 2.3.1).
    return unquote_plus(client), Secret(unquote_plus(secret))
