"""A provider of one page, to try the line with: whatever it asks for, the test's server answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from quickkub.connectors.contract import (
    Account,
    CallbackAnswer,
    CallbackNews,
    Connector,
    Declined,
    Effect,
    Exchange,
    Failure,
    Manifest,
    NoAnswer,
    Order,
    Paid,
    RawCallback,
    Request,
    Response,
    Token,
    TokenExchange,
    TokenPlease,
    Unknown,
    Unreadable,
    Waiting,
)
from quickkub.connectors.reading import garbled_is_unknown, read_object, text_at
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret

CANARY = "canary-7f3a9-secret"
MANIFEST = Manifest("madeup", "Made-up", "สมมติ", (), (), "http://127.0.0.1:9", "https://127.0.0.1:9", 0)


class MadeUp:
    """Asks `POST /charge` with a token, or `GET /look` without one."""

    manifest = MANIFEST

    def __init__(self, deadline_seconds: int = 5) -> None:
        self.deadline_seconds = deadline_seconds

    @property
    def found(self) -> Callable[[str], Connector]:
        """As the registry would find it."""
        return lambda _: self

    def token(self, account: Account) -> TokenExchange:
        body = b'{"secret": "%s"}' % account.credentials["secret"].reveal().encode()
        answer = yield self._asks("POST", "/token", body=body)
        if answer.status == 403:
            return Declined(Failure.PROVIDER_MISCONFIGURED, "403", "wrong secret")
        if answer.status != 200:
            return Unknown("the token desk is ill")
        said = read_object(answer.body)
        return Token(Secret(text_at(said, "token")), int(said["lives"]))

    @garbled_is_unknown
    def create(self, account: Account, order: Order | None = None) -> Exchange:
        token: Token = yield TokenPlease()
        answer: Response = yield self._charge(token)
        if answer.status == 401:
            token = yield TokenPlease(rejected=token)
            answer = yield self._charge(token)
        return Waiting(provider_reference=text_at(read_object(answer.body), "ref"))

    @garbled_is_unknown
    def inquire(self, account: Account, order: Order | None = None) -> Exchange:
        answer: Response = yield self._asks("GET", "/look", query={"ref": "R 1&2"})
        return Waiting(provider_reference=text_at(read_object(answer.body), "ref"))

    def catches(self) -> Exchange:
        """Takes a lost answer itself."""
        try:
            yield self._asks("GET", "/look")
        except NoAnswer as lost:
            return Waiting(provider_reference=f"lost, sent {lost.sent}")
        return Waiting()

    def stumbles(self) -> Generator[Effect, Any, Waiting]:
        """A connector with a mistake in it."""
        answer: Response = yield Request("POST", "/charge")
        known: dict[int, str] = {}
        return Waiting(provider_reference=known[answer.status])

    def _charge(self, token: Token) -> Request:
        headers = {"authorization": f"Bearer {token.value.reveal()}", "x-note": "n"}
        return Request("POST", "/charge", headers, body=b"{}", deadline_seconds=self.deadline_seconds)

    def _asks(
        self, method: str, path: str, body: bytes = b"", query: Mapping[str, str] | None = None
    ) -> Request:
        return Request(
            method, path, query=query or {}, body=body, deadline_seconds=self.deadline_seconds, asks_only=True
        )

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        raise Unreadable("the made-up provider does not call")

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        return CallbackAnswer(200, b"{}")

    def trusts_callbacks(self, account: Account) -> bool:
        return False


def account_at(base_url: str, mode: str = "test", **more: Any) -> Account:
    """An account of its own at this address, with a secret that must never be seen."""
    return Account(
        MerchantId(new_id("mer")),
        new_id("acc"),
        mode,
        "madeup",
        {"base_url": base_url, **more.pop("settings", {})},
        {"secret": Secret(CANARY), **more.pop("credentials", {})},
    )


__all__ = ["CANARY", "MadeUp", "Paid", "account_at"]
