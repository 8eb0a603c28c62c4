"""Payment actions: XML, encrypted for 2C2P and signed by us, to a host of their own (pack 2.3, 4.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from quickkub.connectors.contract import Account, Request, Response
from quickkub.connectors.providers.twoctwop import jose
from quickkub.connectors.providers.twoctwop.action_codes import OK
from quickkub.connectors.providers.twoctwop.manifest import ACTIONS
from quickkub.connectors.providers.twoctwop.settings import action_keys, merchant_id, zone
from quickkub.connectors.reading import Garbled, money_at
from quickkub.kernel.money import THB, Money, decimal_text

VERSION: Final = "4.3"
DEADLINE_SECONDS: Final = 60
_ANSWER: Final = "PaymentProcessResponse"


def asks(
    account: Account, invoice: str, process: str, now: datetime | None, more: Mapping[str, str]
) -> Request:
    """One action. `process` is I, V, S, R or RS; I and RS only read. `now` may be left out. Raises BadKey."""
    words = {
        "version": VERSION,
        "timeStamp": now.astimezone(zone(account)).strftime("%d%m%y%H%M%S") if now else "",
        "merchantID": merchant_id(account),
        "processType": process,
        "invoiceNo": invoice,
        **more,
    }
    text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in words.items() if value)
    return Request(
        "POST",
        "/action",
        headers={"content-type": "text/plain", "accept": "text/plain"},
        body=jose.wrap(f"<PaymentProcessRequest>{text}</PaymentProcessRequest>", action_keys(account)),
        deadline_seconds=DEADLINE_SECONDS,
        asks_only=process in ("I", "RS"),
        host=ACTIONS,
    )


def amount_text(amount: Money) -> str:
    """Two decimals (pack 4.7)."""
    return decimal_text(amount)


@dataclass(frozen=True, slots=True)
class Given:
    """One refund of the list. `at` is None when its time cannot be read."""

    reference: str
    amount: Money
    status: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """What an action's answer says, proven to be 2C2P's."""

    code: str
    status: str
    words: Mapping[str, str]
    refunds: tuple[Given, ...]
    at: datetime | None

    @property
    def is_success(self) -> bool:
        return self.code in OK

    @property
    def reference(self) -> str:
        """2C2P's id of the payment, the same as in an inquiry. Raises Garbled."""
        if not (found := self.words.get("referenceNo", "")):
            raise Garbled("the answer has no referenceNo")
        return found

    @property
    def amount(self) -> Money:
        """Raises Garbled."""
        return money_at(dict(self.words), "amount", THB)


def read(account: Account, answer: Response, invoice: str, process: str) -> Told:
    """Raises Garbled for what 2C2P did not sign, and for an answer about something else. Raises BadKey."""
    if answer.status >= 300:  # noqa: PLR2004 -- whatever is no success of HTTP
        raise Garbled(f"HTTP {answer.status}")
    told = read_text(account, jose.unwrap(answer.body, action_keys(account)))
    if told.words.get("processType", process) != process:
        raise Garbled("2C2P answers about another action than we asked")
    if told.words.get("invoiceNo", "" if told.is_success else invoice) not in (
        (invoice,) if told.is_success else (invoice, "")
    ):
        raise Garbled("2C2P answers about another invoice than we asked")
    return told


def read_text(account: Account, text: bytes) -> Told:
    """The words of an opened answer or refund notification. Raises Garbled."""
    root = _parsed(text)
    words: dict[str, str] = {}
    for child in root:
        if child.tag in words:
            raise Garbled(f"{child.tag} is given twice")
        words[child.tag] = (child.text or "").strip()
    if words.get("merchantID", merchant_id(account)) != merchant_id(account):
        raise Garbled("2C2P answers about another merchant than we asked")
    code = words.get("respCode", "")
    if re.fullmatch(r"[0-9]{2}|[0-9]{4}", code) is None:
        raise Garbled("respCode is not two digits")
    refunds = tuple(_given(one.attrib, account) for one in root.iterfind("refundList/refund"))
    return Told(code, words.get("status", ""), words, refunds, moment(words.get("timeStamp", ""), account))


def _parsed(text: bytes) -> ElementTree.Element:
    # Entities and document types have no place in an answer, and can make a small text a huge one.
    if b"<!" in text or b"\0" in text:
        raise Garbled("the answer is not plain XML")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 -- without "<!" there is nothing to expand
    except (ElementTree.ParseError, ValueError, LookupError):
        raise Garbled("the answer is not XML") from None
    if root.tag != _ANSWER:
        raise Garbled(f"the answer is no {_ANSWER}")
    return root


def _given(said: Mapping[str, str], account: Account) -> Given:
    return Given(
        said.get("referenceNo", "").strip(),
        money_at(dict(said), "amount", THB),
        said.get("status", "").strip(),
        moment(said.get("dateTime", ""), account),
    )


def moment(text: str, account: Account) -> datetime | None:
    """`ddMMyyHHmmss`, or 14 digits, as aware UTC; None for anything else: no money hangs on it."""
    forms = {12: ("%d%m%y%H%M%S",), 14: ("%Y%m%d%H%M%S", "%d%m%Y%H%M%S")}
    if not re.fullmatch(r"[0-9]+", text):
        return None
    for form in forms.get(len(text), ()):
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone(account)).astimezone(UTC)
        except ValueError:
            continue
    return None
