"""What the OAuth2 server accepts, as pure functions: redirect addresses, PKCE, scopes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

from quickkub.access.oauth.errors import OAuthRequestInvalid, OAuthScopeInvalid
from quickkub.kernel.errors import Kind, Refusal
from quickkub.merchants.scopes import MERCHANT_PERMISSIONS

REDIRECTS_MAX: Final = 10
REDIRECT_LETTERS_MAX: Final = 500
STATE_LETTERS_MAX: Final = 500
SCOPE_LETTERS_MAX: Final = 2000
_LOOPBACK: Final = "127.0.0.1"
"""The one number of this machine that a page's policy can name (CSP3 6.7.2.7); [::1] it cannot."""
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_PLAIN: Final = re.compile(r"[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+")
"""Printable ASCII that may stand in an address:

no space, quotes, angle brackets, backslash, caret, braces.
"""

_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
)
_OWN_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
_STATE: Final = re.compile(r"[\x20-\x7e]+")


class RedirectRefused(Refusal):
    """A redirect address is not one that tokens could safely be sent to."""

    code, kind = "redirect_uri_refused", Kind.INVALID


def check_redirects(addresses: Sequence[str], *, is_public: bool) -> None:
    """Whether a client may register these. Raises RedirectRefused.

    https with a host name; http only to this very machine by number (RFC 8252 7.3, 8.3); an app's own
    scheme only for public clients and only in reverse domain form (8252 7.1). No fragment, user, wildcard
    or dot segment.
    """
    if len(addresses) > REDIRECTS_MAX or len(set(addresses)) != len(addresses):
        raise RedirectRefused(f"give up to {REDIRECTS_MAX} different addresses", param="redirect_uris")
    for index, address in enumerate(addresses):
        if (trouble := _trouble(address, is_public=is_public)) is not None:
            raise RedirectRefused(trouble, param=f"redirect_uris[{index}]")


def _trouble(address: str, *, is_public: bool) -> str | None:
    if len(address) > REDIRECT_LETTERS_MAX or _PLAIN.fullmatch(address) is None:
        return f"an address is up to {REDIRECT_LETTERS_MAX} plain letters, others percent-encoded"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "this is not an address"
    if "#" in address or "*" in address or "@" in parts.netloc:
        return "an address has no fragment, no wildcard and no user"
    if any(segment in {".", ".."} for segment in parts.path.lower().replace("%2e", ".").split("/")):
        return "an address has no dot segments"
    # urlsplit folds the scheme's case, which the comparison at the time of use does not.
    scheme = address.partition(":")[0]
    return _trouble_with_place(scheme, parts.netloc, port, is_public=is_public)


def _trouble_with_place(scheme: str, place: str, port: int | None, *, is_public: bool) -> str | None:
    host = place.removesuffix(f":{port}") if port is not None else place
    if scheme == "https":
        return None if _HOST.fullmatch(host) else "https needs a host name in small letters"
    if scheme == "http":
        return None if host == _LOOPBACK else "http is only for 127.0.0.1"
    if is_public and _OWN_SCHEME.fullmatch(scheme) and not place:
        return None
    return "use https, http to 127.0.0.1, or a public client's own scheme like com.example.app:/back"


def origin_of(address: str) -> str:
    """What a policy for forms has to name for a redirect address:

    its origin, or its scheme where it has none.
    """
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def is_registered(asked: str, registered: Collection[str]) -> bool:
    """Letter by letter the same as one of them (RFC 9700 2.1): no prefix, no pattern, no other port."""
    return any(hmac.compare_digest(asked.encode(), one.encode()) for one in registered)


def with_answer(address: str, answer: Sequence[tuple[str, str]]) -> str:
    """A redirect address with the answer's parameters behind whatever query it has."""
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in answer)
    return f"{address}{'&' if '?' in address else '?'}{query}"


def check_challenge(challenge: str | None, method: str | None) -> str:
    """PKCE is for every client, and only S256 (RFC 7636; RFC 9700 2.1.1). Raises OAuthRequestInvalid."""
    if method != "S256":
        raise OAuthRequestInvalid(
            "PKCE is needed, with code_challenge_method=S256", param="code_challenge_method"
        )
    if challenge is None or _CHALLENGE.fullmatch(challenge) is None:
        raise OAuthRequestInvalid("a code_challenge is 43 letters of base64url", param="code_challenge")
    return challenge


def proves(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the one the challenge was made of."""
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())


def check_state(state: str | None) -> str | None:
    """The client's own word, given back as it came. Raises OAuthRequestInvalid."""
    if state is not None and (len(state) > STATE_LETTERS_MAX or _STATE.fullmatch(state) is None):
        raise OAuthRequestInvalid(f"state is up to {STATE_LETTERS_MAX} letters of ASCII", param="state")
    return state


def scopes_asked(text: str | None, given: Collection[str]) -> frozenset[str]:
    """The scopes asked for, all of those given when none are named.

    Raises OAuthScopeInvalid for any other.
    """
    if text is None:
        return frozenset(given)
    if len(text) > SCOPE_LETTERS_MAX or _SCOPE.fullmatch(text) is None:
        raise OAuthScopeInvalid("scopes are words with one space between them", param="scope")
    asked = frozenset(text.split(" "))
    if not asked <= frozenset(given):
        raise OAuthScopeInvalid("a scope is unknown, or more than was given", param="scope")
    return asked


def are_permissions(scopes: Collection[str]) -> bool:
    """Whether all of them are permissions a merchant can give."""
    return bool(scopes) and frozenset(scopes) <= MERCHANT_PERMISSIONS
