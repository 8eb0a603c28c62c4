"""A webhook receiver on this machine for `quickkub listen`: takes, verifies, passes on, answers."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.webhooks.verify import NotGenuine, verify, verify_compatible

_BODY_MAX: Final = 1024 * 1024
_SECRET_WAIT_SECONDS: Final = 10
_FORWARD_SECONDS: Final = 8
_API_SECONDS: Final = 15
_PASSED_ON: Final = ("webhook-", "x-webhook-", "content-type", "user-agent")


class PortTaken(Refusal):
    """The port to listen on is in use."""

    code, kind = "listen_port_taken", Kind.CONFLICT


class GatewayNotReached(Refusal):
    """There is no gateway at the address, or it does not answer as one."""

    code, kind = "gateway_not_reached", Kind.UNAVAILABLE


class GatewayRefused(Refusal):
    """The gateway said no; the detail is what it said."""

    code, kind = "gateway_refused", Kind.INVALID


@dataclass(frozen=True, slots=True)
class Webhook:
    """One that came. `event` is empty when the body is no JSON object; `forwarded` is what was
    answered by the server it was passed on to.
    """

    received_at: float
    event: Mapping[str, Any]
    body: bytes
    genuine: bool
    compatible_genuine: bool
    repeated: bool
    forwarded: int | None


class Inbox:
    """Where webhooks arrive. Nothing is answered before the secret is told, once the endpoint is made."""

    def __init__(self, forward_to: str | None) -> None:
        self.arrived: queue.SimpleQueue[Webhook] = queue.SimpleQueue()
        self._forward_to = forward_to
        self._secret = ""
        self._secret_known = threading.Event()
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def tell_secret(self, secret: str) -> None:
        """Let verification begin."""
        self._secret = secret
        self._secret_known.set()

    def take(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Verify, pass on if asked to, and say what to answer: 401 to what is not genuine."""
        self._secret_known.wait(_SECRET_WAIT_SECONDS)
        webhook_id = self._verified(headers, body)
        genuine = webhook_id is not None
        status, answer = (200, b"") if genuine else (401, b"")
        if genuine and self._forward_to is not None:
            status, answer = _forward(self._forward_to, headers, body)
        webhook = Webhook(
            received_at=time.time(),
            event=_object_in(body),
            body=body,
            genuine=genuine,
            compatible_genuine=self._compatible(headers, body),
            repeated=self._is_repeated(webhook_id),
            forwarded=status if genuine and self._forward_to is not None else None,
        )
        self.arrived.put(webhook)
        return status, answer

    def _verified(self, headers: Mapping[str, str], body: bytes) -> str | None:
        try:
            return verify(headers, body, [self._secret], time.time())
        except (NotGenuine, ValueError):
            return None

    def _compatible(self, headers: Mapping[str, str], body: bytes) -> bool:
        try:
            verify_compatible(headers, body, [self._secret], time.time())
        except (NotGenuine, ValueError):
            return False
        return True

    def _is_repeated(self, webhook_id: str | None) -> bool:
        if webhook_id is None:
            return False
        with self._lock:
            known = webhook_id in self._seen
            self._seen.add(webhook_id)
        return known


@contextlib.contextmanager
def open_inbox(port: int, forward_to: str | None) -> Iterator[tuple[Inbox, str]]:
    """Listen on this machine only; gives the inbox and its address. Raises PortTaken."""
    inbox = Inbox(forward_to)
    try:
        server = _Server(("127.0.0.1", port), inbox)
    except OSError as trouble:
        raise PortTaken(f"port {port} is in use; choose another with --port", param="port") from trouble
    thread = threading.Thread(target=server.serve_forever, name="webhooks", daemon=True)
    thread.start()
    try:
        yield inbox, f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], inbox: Inbox) -> None:
        self.inbox = inbox
        super().__init__(address, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= _BODY_MAX):
            self._answer(413, b"")
            return
        # A header given twice is joined, and then has no shape that verification accepts.
        headers = {name: ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        self._answer(*self.server.inbox.take(headers, self.rfile.read(int(length))))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is the library's
        """What came is printed by the command."""


def _object_in(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


# This machine's proxy settings are for going out; what is called here is near.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def _forward(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """The same bytes and signatures to the developer's own server; 502 when it does not answer."""
    passed = {name: value for name, value in headers.items() if name.lower().startswith(_PASSED_ON)}
    request = urllib.request.Request(url, data=body, headers=passed, method="POST")  # noqa: S310
    try:
        with _OPENER.open(request, timeout=_FORWARD_SECONDS) as answer:
            return answer.status, answer.read(_BODY_MAX)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read(_BODY_MAX)
    except (OSError, http.client.HTTPException):
        return HTTPStatus.BAD_GATEWAY, b""


class GatewayApi:
    """The few calls `listen` makes to a running gateway, as any merchant would."""

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, words: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Raises GatewayNotReached, GatewayRefused."""
        body = None if words is None else json.dumps(words).encode()
        request = urllib.request.Request(  # noqa: S310 -- the scheme is checked where the address is read
            self.url + path, data=body, headers=self._headers, method=method
        )
        try:
            with _OPENER.open(request, timeout=_API_SECONDS) as answer:
                told = _object_in(answer.read(_BODY_MAX))
        except urllib.error.HTTPError as refused:
            with refused:
                problem = _object_in(refused.read(_BODY_MAX))
            words_of_refusal = problem.get("detail") or problem.get("title") or f"status {refused.code}"
            raise GatewayRefused(f"{problem.get('code', 'refused')}: {words_of_refusal}") from refused
        except (OSError, http.client.HTTPException) as trouble:
            raise GatewayNotReached(
                f"no gateway answers at {self.url}; is `quickkub up` running?", param="url"
            ) from trouble
        return dict(told)
