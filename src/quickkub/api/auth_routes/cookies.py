"""The session cookie, and where a request that brings it may come from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from litestar import Response

from quickkub.kernel.secrets import Secret

CLEARED: Final = '"cache", "storage"'
"""`Clear-Site-Data` where a session ends. Not "cookies": browsers would take those of all hosts under the
same registered domain, a shop's next to ours."""

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


class CookieRules:
    """What the gateway's own address decides. `public_url` has no slash at its end."""

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        self._is_local_http = parts.scheme == "http" and host in {"127.0.0.1", "localhost", "::1"}
        # Without TLS a browser stores no `__Host-` cookie, and on loopback there is nobody in between.
        self.name = "qk_session" if self._is_local_http else "__Host-qk_session"
        self._attributes = "Path=/; HttpOnly; SameSite=Lax" + ("" if self._is_local_http else "; Secure")
        self.origins = frozenset(_origins(public_url, self._is_local_http))

    def given(self, token: Secret) -> str:
        """`Set-Cookie` that gives a session. It ends with the browser, and by itself before long."""
        return f"{self.name}={token.reveal()}; {self._attributes}"

    def taken(self) -> str:
        """`Set-Cookie` that takes it away."""
        return f"{self.name}=; {self._attributes}; Max-Age=0"

    def end_in(self, shown: Response[bytes]) -> Response[bytes]:
        """The answer, after which the browser has nothing left of the session."""
        shown.headers["Set-Cookie"] = self.taken()
        shown.headers["Clear-Site-Data"] = CLEARED
        return shown

    def token_in(self, headers: Iterable[str]) -> str | None:
        """The session's token in the Cookie headers. Of two nobody can say which was meant: None."""
        found = []
        for header in headers:
            for pair in header.split(";"):
                name, equals, value = pair.strip(" \t").partition("=")
                if equals and name == self.name:
                    found.append(value)
        return found[0] if len(found) == 1 else None


def _origins(public_url: str, is_local_http: bool) -> Iterable[str]:
    """Ours; and on this machine, whatever this machine is called."""
    parts = urlsplit(public_url)
    default = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in {None, default} else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    yield f"{parts.scheme}://{host}{port}"
    if is_local_http:
        yield from (f"http://{name}{port}" for name in _LOOPBACK)
