"""`quickkub listen`: see webhooks as they come, and whether their signatures verify."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from quickkub.cli.listening import GatewayApi, Inbox, Webhook, open_inbox
from quickkub.cli.wiring import wiring_of
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.money import CURRENCIES, Money

PORT_DEFAULT: Final = 4242
DESCRIPTION: Final = "quickkub listen"
_EXIT_NOT_GENUINE: Final = 1
_EXIT_REFUSED: Final = 2
_LOOK_SECONDS: Final = 0.5


class NoApiKey(Refusal):
    """Neither an API key was given nor is there a demo shop in the data folder."""

    code, kind = "api_key_missing", Kind.INVALID


class BadAddress(Refusal):
    """An address given is not an http or https URL."""

    code, kind = "address_invalid", Kind.INVALID


def listen(
    context: typer.Context,
    *,
    url: Annotated[
        str | None, typer.Option(envvar="QUICKKUB_URL", help="The gateway; default: the demo shop's.")
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(envvar="QUICKKUB_API_KEY", help="A secret test key; default: the demo shop's."),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where to look for the demo shop.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any.")] = PORT_DEFAULT,
    kind: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Only this event type; repeatable.")
    ] = None,
    forward_to: Annotated[
        str | None, typer.Option(metavar="URL", help="Pass each genuine webhook on, and its answer back.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(metavar="URL", help="What to register when a tunnel leads to the port.")
    ] = None,
    events: Annotated[int | None, typer.Option(min=1, metavar="N", help="Stop after N webhooks.")] = None,
    once: Annotated[bool, typer.Option("--once", help="The same as --events 1.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on each line.")] = False,
) -> None:
    """Register an endpoint on this machine, print each webhook and whether its signature verifies.

    Exit status: 0 stopped as asked and all were genuine, 1 one was not, 2 could not listen.
    """
    try:
        for given in filter(None, (url, forward_to, address)):
            _refuse_bad(given)
        api = _gateway(context, url, api_key, data_dir)
        with (
            _stop_signals() as stop,
            open_inbox(port, forward_to) as (inbox, here),
            _endpoint(api, inbox, address or here, kind or []) as endpoint,
        ):
            _say(f"Listening on {address or here} as {endpoint}; Ctrl-C stops.")
            genuine = _hear(inbox, stop, 1 if once else events, _printer(as_json))
    except Refusal as refusal:
        _say(f"{refusal.code}: {refusal.detail}")
        raise typer.Exit(_EXIT_REFUSED) from refusal
    if not genuine:
        raise typer.Exit(_EXIT_NOT_GENUINE)


def _refuse_bad(given: str) -> None:
    if not given.startswith(("http://", "https://")):
        raise BadAddress(f"{given!r} is not an http or https address")


def _gateway(
    context: typer.Context, url: str | None, api_key: str | None, data_dir: Path | None
) -> GatewayApi:
    demo: dict[str, str] = {}
    if api_key is None:
        demo = _demo_shop((data_dir or wiring_of(context).data_dir()) / "demo.json")
    return GatewayApi(url or demo.get("url") or "http://127.0.0.1:3002", api_key or demo["api_key"])


def _demo_shop(path: Path) -> dict[str, str]:
    try:
        shop: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as trouble:
        raise NoApiKey(
            f"give a key with --api-key or QUICKKUB_API_KEY; there is no demo shop in {path.parent} "
            "(`quickkub up` makes one)"
        ) from trouble
    except (OSError, ValueError) as trouble:
        raise NoApiKey(f"{path} cannot be read") from trouble
    return shop


@contextlib.contextmanager
def _endpoint(api: GatewayApi, inbox: Inbox, address: str, kinds: list[str]) -> Iterator[str]:
    """An endpoint for as long as the command runs; one that a killed run left at this address goes first."""
    for old in api.call("GET", "/v1/webhook_endpoints").get("data", []):
        if old.get("description") == DESCRIPTION and old.get("url") == address:
            api.call("DELETE", f"/v1/webhook_endpoints/{old['id']}")
    words = {"url": address, "description": DESCRIPTION, "events": kinds}
    made = api.call("POST", "/v1/webhook_endpoints", words)
    inbox.tell_secret(made["secret"])
    try:
        yield made["id"]
    finally:
        try:
            api.call("DELETE", f"/v1/webhook_endpoints/{made['id']}")
        except Refusal as refusal:
            _say(f"The endpoint {made['id']} could not be deleted. {refusal.detail}")


@contextlib.contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Set by Ctrl-C and by SIGTERM, so that the endpoint is deleted either way."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hear(inbox: Inbox, stop: threading.Event, count: int | None, show: Any) -> bool:
    """Show webhooks until told to stop or `count` have come. Returns whether all were genuine."""
    genuine, seen = True, 0
    while not stop.is_set() and (count is None or seen < count):
        try:
            webhook = inbox.arrived.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            continue
        seen += 1
        genuine &= webhook.genuine
        show(webhook)
    return genuine


def _printer(as_json: bool) -> Any:
    if as_json:
        return lambda webhook: typer.echo(json.dumps(_as_json(webhook), ensure_ascii=False))
    console = Console(highlight=False, soft_wrap=True)
    return lambda webhook: console.print(_as_line(webhook))


def _as_json(webhook: Webhook) -> dict[str, Any]:
    shown = _object_of(webhook)
    return {
        "received_at": rfc3339(datetime.fromtimestamp(webhook.received_at, UTC)),
        "genuine": webhook.genuine,
        "compatible_genuine": webhook.compatible_genuine,
        "repeated": webhook.repeated,
        "forwarded": webhook.forwarded,
        "id": webhook.event.get("id"),
        "type": webhook.event.get("type"),
        "object_id": shown.get("id"),
        "status": shown.get("status"),
        "amount": shown.get("amount"),
        "currency": shown.get("currency"),
        "event": webhook.event,
    }


def _as_line(webhook: Webhook) -> Text:
    """Time, type, object, status, amount, and whether to believe it. As Text: nothing in it is markup."""
    shown = _object_of(webhook)
    when = datetime.fromtimestamp(webhook.received_at, UTC).astimezone()
    line = Text(when.strftime("%H:%M:%S"), style="dim")
    for value, style, width in (
        (webhook.event.get("type"), "bold", 24),
        (shown.get("id"), "", 0),
        (shown.get("status"), "", 16),
        (_amount(shown), "", 14),
    ):
        line.append("  ").append(_printable(value).ljust(width), style)
    line.append("  ").append(*_verdict(webhook))
    if webhook.forwarded is not None:
        line.append(f"  forwarded: {webhook.forwarded}")
    if webhook.repeated:
        line.append("  again", style="yellow")
    return line


def _verdict(webhook: Webhook) -> tuple[str, str]:
    if not webhook.genuine:
        return "NOT GENUINE", "bold red"
    return ("verified", "green") if webhook.compatible_genuine else ("verified (standard headers)", "green")


def _object_of(webhook: Webhook) -> dict[str, Any]:
    data = webhook.event.get("data")
    found = data.get("object") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _amount(shown: dict[str, Any]) -> str:
    minor, currency = shown.get("amount"), CURRENCIES.get(str(shown.get("currency")))
    return str(Money(minor, currency)) if type(minor) is int and currency is not None else "-"


def _printable(value: Any) -> str:
    """Anybody may post to the port: no control characters reach the terminal."""
    text = "-" if value is None else str(value)[:64]
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _say(words: str) -> None:
    typer.echo(words, err=True)
