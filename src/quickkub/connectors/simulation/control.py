"""The control API under `/_sim`: a test's hand inside the provider. For loopback: no authentication."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.reading import Garbled, read_object
from quickkub.connectors.simulation.base import (
    BadControl,
    CannotPay,
    Movement,
    NoSuchThing,
    Pay,
    ProviderSimulator,
)
from quickkub.connectors.simulation.faults import BadFault, FaultKind, read_fault
from quickkub.connectors.simulation.weather import BadWeather, read_weather
from quickkub.kernel.clock import BANGKOK, rfc3339
from quickkub.kernel.money import THB, BadAmount, Money, decimal_text, read_decimal

CALLBACKS: Final = frozenset({"send", "drop", "duplicate"})
TIMES_MAX: Final = 20
LISTED_MAX: Final = 1000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """Handlers of the control API for one simulator."""

    def __init__(self, simulator: ProviderSimulator) -> None:
        self._simulator = simulator
        self._world = simulator.world

    def mount(self, app: web.Application) -> None:
        """Add the routes."""
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/_sim/truth", self.truth),
            ("GET", "/_sim/items", self.items),
            ("GET", "/_sim/confirmations", self.confirmations),
            ("POST", "/_sim/payments/{ref}/pay", self.pay),
            ("POST", "/_sim/payments/{ref}/end", self.end),
            ("POST", "/_sim/scan", self.scan),
            ("POST", "/_sim/movements/{id}/reverse", self.reverse),
            ("POST", "/_sim/faults", self.add_faults),
            ("DELETE", "/_sim/faults", self.clear_faults),
            ("POST", "/_sim/weather", self.weather),
            ("GET", "/_sim/clock", self.clock),
            ("POST", "/_sim/clock", self.set_clock),
            ("POST", "/_sim/reset", self.reset),
            ("POST", "/_sim/{what:apps|registrations|options}", self.configure),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, _told(handler))

    async def truth(self, _: web.Request) -> web.Response:
        """All money that moved, and its sum; reversed movements are listed and not counted."""
        standing = [m for m in self._world.movements if not m.reversed]
        return web.json_response(
            {
                "movements": [m.shown() for m in self._world.movements],
                "count": len(standing),
                "total_satang": sum(m.amount.minor for m in standing),
                "faults_done": self._world.faults.done,
            }
        )

    async def items(self, _: web.Request) -> web.Response:
        """The newest thousand of what can be paid."""
        return web.json_response(
            {
                "items": [
                    {
                        "ref": item.ref,
                        "kind": item.kind,
                        "amount": decimal_text(item.amount),
                        "state": item.state,
                        "note": item.note,
                        "made_at": rfc3339(item.made_at),
                        "expires_at": rfc3339(item.expires_at) if item.expires_at else None,
                        "paid": [decimal_text(amount) for amount in item.paid],
                    }
                    for item in self._simulator.items(LISTED_MAX)
                ]
            }
        )

    async def confirmations(self, _: web.Request) -> web.Response:
        return web.json_response({"confirmations": self._simulator.confirmations()})

    async def pay(self, request: web.Request) -> web.Response:
        """`{"amount": "100.00", "times": 2, "callback": "drop", "after_seconds": 60}`; see Pay and do_pay."""
        ref, said = request.match_info["ref"], await _body(request)
        return web.json_response({"movements": self.do_pay(ref, said)}, status=201)

    def do_pay(self, ref: str, said: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Pay now, or plan to; the movements made now. Raises NoSuchThing, CannotPay, BadControl."""
        how, times, later = read_pay(said), _whole(said, "times", 1), _whole(said, "after_seconds", 0)
        if not 1 <= times <= TIMES_MAX:
            raise BadControl(f"times is 1 to {TIMES_MAX}")
        if later:
            self._plan(ref, how, times, later)
            return []
        return [movement.shown() for movement in self._pay_now(ref, how, times)]

    def _pay_now(self, ref: str, how: Pay, times: int) -> list[Movement]:
        """As often as it can be paid, up to `times`. Raises CannotPay when that is not even once."""
        moved: list[Movement] = []
        for _ in range(times):
            try:
                moved.append(self._simulator.pay(ref, how))
            except CannotPay:
                if not moved:
                    raise
                break
        return moved

    def _plan(self, ref: str, how: Pay, times: int, later: int) -> None:
        self._simulator.item(ref)

        async def pay() -> None:
            try:
                self._pay_now(ref, how, times)
            except CannotPay:
                return  # the payer came too late, and their app said so

        self._world.schedule.after(timedelta(seconds=later), pay)

    async def end(self, request: web.Request) -> web.Response:
        """`{"state": "cancelled"}` or `invalid`."""
        said = await _body(request)
        self._simulator.end(request.match_info["ref"], _text(said, "state"))
        return web.json_response({"state": said["state"]})

    async def scan(self, request: web.Request) -> web.Response:
        """`{"qr": "0002…", …}`: pay what this QR text asks for, as a payer's app does; else as `pay`."""
        said = await _body(request)
        ref = self._simulator.scan(_text(said, "qr"))
        return web.json_response({"ref": ref, "movements": self.do_pay(ref, said)}, status=201)

    async def reverse(self, request: web.Request) -> web.Response:
        return web.json_response(self._simulator.reverse(request.match_info["id"]).shown())

    async def add_faults(self, request: web.Request) -> web.Response:
        """`{"faults": [{"kind": …}]}` or `{"chance": {"seed": 41, "percent": 10, "kinds": […]}}`."""
        said = await _body(request)
        faults = [read_fault(fault) for fault in said.get("faults", [])]
        if chance := said.get("chance"):
            try:
                kinds = [FaultKind(kind) for kind in chance["kinds"]]
                self._world.faults.chance(int(chance["seed"]), int(chance["percent"]), kinds)
            except (KeyError, TypeError, ValueError):
                raise BadControl("chance has seed, percent and kinds") from None
        for fault in faults:
            self._world.faults.add(fault)
        return web.json_response({"added": len(faults), "chance": bool(chance)})

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._world.faults.clear()
        return web.json_response({})

    async def weather(self, request: web.Request) -> web.Response:
        """How confirmations travel; names of weather.Weather."""
        self._world.weather = read_weather(await _body(request))
        return web.json_response({})

    async def clock(self, _: web.Request) -> web.Response:
        now = self._world.clock.now()
        return web.json_response(
            {
                "now": rfc3339(now),
                "bangkok": now.astimezone(BANGKOK).isoformat(timespec="seconds"),
                "stands_still": self._world.clock.stands_still,
                "planned": self._world.schedule.waiting(),
            }
        )

    async def set_clock(self, request: web.Request) -> web.Response:
        """`{"at": "2026-01-15T23:59:50+07:00"}`, `{"advance_seconds": 12}` or `{"real": true}`.

        A clock that is set stands still unless `freeze` is false.

        Answers after everything that fell due by the move has been done.
        """
        said = await _body(request)
        clock = self._world.clock
        if said.get("real") is True:
            clock.follow_real_time()
        if "at" in said:
            clock.set(_moment(said["at"]), freeze=said.get("freeze", True) is True)
        if "advance_seconds" in said:
            clock.advance(timedelta(seconds=_whole(said, "advance_seconds", 0)))
        self._world.schedule.clock_moved()
        await self._world.schedule.settle()
        return await self.clock(request)

    async def reset(self, _: web.Request) -> web.Response:
        self._simulator.reset()
        self._world.faults.clear()
        return web.json_response({})

    async def configure(self, request: web.Request) -> web.Response:
        """Applications, confirmation addresses, options: the words are the provider's own."""
        done = self._simulator.configure(request.match_info["what"], await _body(request))
        return web.json_response(done, status=201)


def read_pay(said: Mapping[str, Any]) -> Pay:
    """Raises BadControl."""
    callback = said.get("callback", "send")
    if callback not in CALLBACKS:
        raise BadControl(f"callback is one of {', '.join(sorted(CALLBACKS))}")
    return Pay(
        _amount(said.get("amount")), callback, said.get("lose_answer") is True, str(said.get("by", ""))
    )


def _amount(text: object) -> Money | None:
    if text is None or text == "":
        return None
    try:
        money = read_decimal(str(text), THB)
    except BadAmount:
        raise BadControl('amount is baht as text, such as "100.00"') from None
    if money.minor < 1:
        raise BadControl("amount is at least 0.01")
    return money


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise BadControl("at is an ISO 8601 moment") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=BANGKOK)


def _whole(said: Mapping[str, Any], name: str, usual: int) -> int:
    value = said.get(name, usual)
    if type(value) is not int:
        raise BadControl(f"{name} is a whole number")
    return value


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise BadControl(f"{name} is missing")
    return value


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    return read_object(raw) if raw else {}


def _told(handler: Handler) -> Handler:
    """Turn what can be wrong with a request into an answer."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (BadControl, BadFault, BadWeather, Garbled) as trouble:
            return web.json_response({"error": str(trouble)}, status=400)
        except NoSuchThing as missing:
            return web.json_response({"error": f"there is no {missing}"}, status=404)
        except CannotPay as trouble:
            return web.json_response({"error": str(trouble)}, status=409)

    return handle
