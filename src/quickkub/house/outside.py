"""A gateway seen from outside: started as anybody would, and asked over HTTP like anybody else.

Used by the demo and by the journeys of the tests.
"""

from __future__ import annotations

import http.server
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from quickkub.connectors import registry
from quickkub.settings import SIMULATORS_PORT_DEFAULT

PORTS_IN_A_ROW: Final = 20
"""More than the simulators' ports span."""

START_SECONDS: Final = 90
NEWS_SECONDS: Final = 30
STOP_SECONDS: Final = 40


class Disagreement(Exception):
    """The gateway, the webhook and the books do not tell the same story."""


@dataclass
class Inbox:
    """The merchant's webhook receiver: keeps what came, exactly as it came."""

    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        with self.arrived:
            self.received.append((headers, body))
            self.arrived.notify_all()

    def wait_for(self, kind: str) -> tuple[dict[str, str], bytes]:
        """The first webhook of a type; raises Disagreement when none comes in time."""

        def found() -> tuple[dict[str, str], bytes] | None:
            return next((one for one in self.received if json.loads(one[1])["type"] == kind), None)

        with self.arrived:
            self.arrived.wait_for(lambda: found() is not None, NEWS_SECONDS)
            one = found()
        if one is None:
            raise Disagreement(f"no {kind} webhook came within {NEWS_SECONDS} s")
        return one


def agree(what: str, one: object, other: object) -> None:
    """Raises Disagreement when the two are not equal."""
    if one != other:
        raise Disagreement(f"{what}: {one!r} is not {other!r}")


def environment(folder: Path) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("QUICKKUB_") and k != "DATABASE_URL"}
    # The story asks as fast as it can.
    return {**own, "QUICKKUB_DATA_DIR": str(folder), "QUICKKUB_TEST_RATE": "1000"}


def free_port(in_a_row: int = 1) -> int:
    """A port nobody listens on, below the range from which the system gives out ports by itself.

    `in_a_row`: nor on the ports behind it, so many in all.
    """
    for _ in range(200):
        port = 20_000 + secrets.randbelow(10_000)
        if not any(_is_taken(one) for one in range(port, port + in_a_row)):
            return port
    raise Disagreement("no free port was found")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class RunningGateway:
    """One `quickkub up`, with its folder and ports."""

    folder: Path
    port: int = field(default_factory=free_port)
    simulators_port: int = field(default_factory=lambda: free_port(PORTS_IN_A_ROW))
    process: subprocess.Popen[bytes] | None = None

    @property
    def simulator(self) -> str:
        """Where SCB's simulator is."""
        return self.simulator_of("scb")

    def simulator_of(self, provider: str) -> str:
        """Where this provider's simulator is."""
        port = registry.providers()[provider].simulator_port + self.simulators_port - SIMULATORS_PORT_DEFAULT
        return f"http://127.0.0.1:{port}"

    def start(self) -> dict[str, Any]:
        """Start it and wait until it takes requests; returns the demo shop. Raises Disagreement."""
        with (self.folder / "up.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "quickkub.main", "up", "--port", str(self.port)],
                env={**environment(self.folder), "QUICKKUB_SIMULATORS_PORT": str(self.simulators_port)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Disagreement(f"quickkub up ended: {self.log()}")
            if "is running" in self.log():
                shop: dict[str, Any] = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
                return shop
            time.sleep(0.05)
        raise Disagreement(f"the gateway was not ready within {START_SECONDS} s")

    def log(self) -> str:
        """What `quickkub up` has printed."""
        return (self.folder / "up.log").read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """Ctrl-C; raises Disagreement when it does not end well."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            agree("quickkub up ends with 0 when it is asked to", self.process.wait(STOP_SECONDS), 0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Disagreement(f"the gateway did not stop within {STOP_SECONDS} s") from None

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def call(
    shop: Mapping[str, Any], method: str, path: str, body: object | None = None, key: str | None = None
) -> dict[str, Any]:
    """Ask the gateway as the merchant. Raises Disagreement for any answer but a 2xx."""
    headers = {"Authorization": f"Bearer {shop['api_key']}"}
    if key:
        headers["Idempotency-Key"] = key
    return fetch_json(shop["url"] + path, body, method=method, headers=headers)


def fetch_json(
    url: str, body: object | None, *, method: str = "POST", headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Send and receive JSON."""
    data = None if body is None else json.dumps(body).encode()
    sent = {**(headers or {}), **({"Content-Type": "application/json"} if data is not None else {})}
    answer: dict[str, Any] = json.loads(fetch(url, data, method, sent))
    return answer


def fetch(
    url: str, data: bytes | None = None, method: str = "GET", headers: Mapping[str, str] | None = None
) -> bytes:
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: bytes = answer.read()
            return found
    except urllib.error.HTTPError as error:
        raise Disagreement(f"{method} {url} answered {error.code}: {error.read()[:500]!r}") from error


def receive(inbox: Inbox) -> str:
    """Start the merchant's receiver in a thread; returns its address."""

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            inbox.take({k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: the story is told elsewhere."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/webhooks"
