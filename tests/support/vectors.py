"""A provider's vectors: what is asked of its connector, what goes over the wire, what is concluded.

A vector is one file under `connectors/providers/<folder>/vectors`:

- `says`, `source`: what it is about, and where it was copied from;
- `asks`: `create`, `inquire`, `instruct`, `inquire_instruction`, `check`, or a list of a method and its plain
  arguments, such as `["verify_slip", …]`, `["report", "2026-01-15", "2026-01-16"]`, or
  `["contest_dispute", "dspt_1", {"text": …, "files": [[name, type, base64], …]}]`;
- `order`, `instruction`: the fields of the contract; times are text, `amount` is `satang`, `captured` and
  `refunded` are `captured_satang` and `refunded_satang`;
- `settings`, `credentials`: what this account has besides or instead (null takes one away);
  `account_callback_url`, `base_path`;
- `exchange`: steps of `ask` `[method, path, words]` and `answer` `[status, words]` or `[status, words,
  headers]`; an answer may also be `dropped`, `reset` or `half`. `headers` are more headers of the request
  (null: not this one), `host` another address of the provider. `volatile` names places whose value only needs
  a shape; `names` binds a value of the file to the place where the simulator says its own;
- `world`: what happens at the simulator first (control API calls, `api` for the provider's own). A vector
  without it is played to the connector only: the simulator never says such a thing. `simulator` is more
  configuration for it;
- `outcome`: what the connector concludes.

A callback's vector has `callback` and what is read from it (`news`) and answered (`answer`), or
`callback_raw` (with `callback_method`, `callback_headers`, `callback_query`) and the code it is `refused`
with; a `callback` may be `refused` as well. With a `world`, the last of `callbacks` (1) calls the simulator
makes is the one meant, and `volatile` speaks of its words.

`account.json` says what all of a provider's vectors share: `settings`, `credentials`, `base_path`,
`other_base_paths` by host, `headers` (`<token>`, `<fresh>` for something new each time), `host_headers`
instead of them by host, `token` (`ask`, `at`) if there are tokens, `simulator`, and `confirmations`, the
words that register `<url>` at the simulator (none where the provider is told with each order); a vector may
have its own.

How words become bytes is the provider's speech: tests/support/speech.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from quickkub.connectors import registry
from quickkub.connectors.contract import (
    Account,
    Doing,
    Evidence,
    Instruction,
    Order,
    Payer,
    RawCallback,
)
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret
from tests.support.speech import Speech, dumps, loads, speech_of
from tests.support.telling import fits, told

__all__ = ["Vector", "all_vectors", "at", "dumps", "fits", "loads", "told", "vectors_of"]

Json = Any


@dataclass(frozen=True)
class Vector:
    """One file, with what its provider's vectors share."""

    provider: str
    name: str
    said: dict[str, Json]
    shared: dict[str, Json]

    @property
    def speech(self) -> Speech:
        return speech_of(registry.folder_of(self.provider).name)

    @property
    def callback_url(self) -> str:
        usual = f"https://pay.example.com/callbacks/{self.provider}/token"
        return str(self.said.get("account_callback_url", usual))

    @property
    def token(self) -> dict[str, Json] | None:
        """Where tokens are asked for and found; None when the provider has none."""
        return self.shared.get("token")

    @property
    def simulator_config(self) -> dict[str, Json]:
        return {**self.shared.get("simulator", {}), **self.said.get("simulator", {})}

    def base_path(self, host: str = "") -> str:
        """What stands before the paths of one of the provider's addresses; the usual one without a host."""
        if host:
            return str(self.shared["other_base_paths"][host])
        return str(self.said.get("base_path", self.shared.get("base_path", "")))

    def headers(self, step: dict[str, Json]) -> dict[str, str]:
        """What a request of this step carries, before `<token>` and `<fresh>` are filled in."""
        by_host = self.shared.get("host_headers", {})
        usual = by_host.get(step.get("host"), self.shared.get("headers", {}))
        said = {**usual, **step.get("headers", {})}
        return {name: value for name, value in said.items() if value is not None}

    def is_token_step(self, step: dict[str, Json]) -> bool:
        return self.token is not None and step["ask"][:2] == self.token["ask"]

    def account(self, url: str) -> Account:
        """The account at a provider that answers at `url`, an address without a path."""
        addresses = {"base_url": url + self.base_path()}
        for host in self.shared.get("other_base_paths", {}):
            addresses[f"{host}_base_url"] = url + self.base_path(host)
        return Account(
            merchant=MerchantId("mer_" + "0" * 32),
            id="acc_" + "0" * 32,
            mode="test",
            provider=self.provider,
            settings={**addresses, **self._own("settings")},
            credentials={name: Secret(value) for name, value in self._own("credentials").items()},
            callback_url=self.callback_url,
        )

    def _own(self, what: str) -> dict[str, str]:
        said = {**self.shared.get(what, {}), **self.said.get(what, {})}
        return {name: value for name, value in said.items() if value is not None}

    def order(self) -> Order:
        said: dict[str, Any] = dict(self.said["order"])
        for name in ("asked_at", "expires_at", "now"):
            said[name] = datetime.fromisoformat(said[name])
        if "payer" in said:
            said["payer"] = Payer(**said["payer"])
        return Order(amount=Money(said.pop("satang")), **said)

    def instruction(self) -> Instruction:
        """Without words of its own it is about the whole order, now; a refund is of a captured one."""
        said: dict[str, Any] = dict(self.said["instruction"])
        order, doing = self.order(), Doing(said.pop("doing"))
        was_captured = order.amount.minor if doing is Doing.REFUND else 0
        for name in ("asked_at", "now"):
            said[name] = datetime.fromisoformat(said[name]) if name in said else order.now
        return Instruction(
            doing=doing,
            amount=Money(said.pop("satang", order.amount.minor)),
            captured=Money(said.pop("captured_satang", was_captured)),
            refunded=Money(said.pop("refunded_satang", 0)),
            **said,
        )

    def exchange(self, account: Account) -> Any:
        """The connector's generator for what the vector asks."""
        connector: Any = registry.connector(self.provider)
        match self.said["asks"]:
            case "check":
                return connector.check(account)
            case "instruct" | "inquire_instruction" as method:
                return getattr(connector, method)(account, self.order(), self.instruction())
            case str(method):
                return getattr(connector, method)(account, self.order())
            case ["report", first, last]:
                return connector.report(account, date.fromisoformat(first), date.fromisoformat(last))
            case ["contest_dispute", dispute, evidence]:
                return connector.contest_dispute(account, dispute, _evidence(evidence))
            case [method, *words]:
                return getattr(connector, method)(account, *words)

    def callback(self) -> RawCallback:
        """The callback as the provider sends it, or exactly as the file has it."""
        if "callback_raw" not in self.said:
            return self.speech.callback(self, self.said["callback"])
        return RawCallback(
            self.said.get("callback_method", "POST"),
            self.said.get("callback_headers", {}),
            self.said.get("callback_query", {}),
            self.said["callback_raw"].encode(),
            self.said.get("remote_ip"),
        )


def _evidence(said: dict[str, Json]) -> Evidence:
    files = [(name, kind, base64.b64decode(data)) for name, kind, data in said.get("files", ())]
    return Evidence(said["text"], tuple(files))


def all_vectors() -> list[Vector]:
    """Every provider's vectors, found by looking."""
    return [vector for name in registry.names() for vector in vectors_of(name)]


def vectors_of(provider: str) -> list[Vector]:
    """One provider's vectors, sorted by the files' names."""
    return _vectors_in(provider, registry.folder_of(provider) / "vectors")


@cache
def _vectors_in(provider: str, folder: Path) -> list[Vector]:
    if not (folder / "account.json").is_file():
        return []  # the provider's folder is being written; the duties test asks for its vectors
    shared = read(folder / "account.json")
    paths = sorted(path for path in folder.glob("*.json") if path.name != "account.json")
    return [Vector(provider, path.stem, read(path), shared) for path in paths]


def read(path: Path) -> dict[str, Json]:
    said: dict[str, Json] = loads(path.read_text(encoding="utf-8"))
    return said


def at(value: Json, place: str) -> Json:
    """`data.0.transactionId` in a JSON value."""
    for word in place.split("."):
        value = value[int(word)] if isinstance(value, list) else value[word]
    return value
