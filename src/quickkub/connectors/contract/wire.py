"""What goes over the wire, and what a connector may ask the line for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from quickkub.kernel.secrets import Secret


class NoAnswer(Exception):
    """The line throws this into an exchange at the `yield` whose request has no usable answer.

    A connector that has already learned something worth keeping may catch it; otherwise it passes through and
    the line itself concludes (`NotSent` or `Unknown`). `sent` is False only when no byte left this machine.
    """

    def __init__(self, cause: str, *, sent: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, relative to one of the account's addresses.

    `body` is the exact bytes to send. `deadline_seconds` bounds the whole exchange of this request.
    `asks_only` is True when the request cannot move money or make anything (an inquiry): a lost answer to it
    says nothing about the payment. `host` names another address of the provider, a key of the manifest's
    `other_base_urls`; empty is the usual one. `query_text` is a query string that is signed as it stands and
    sent byte by byte; it is used instead of `query`.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    deadline_seconds: int = 15
    asks_only: bool = False
    host: str = ""
    query_text: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: status, headers with lower-case names, and at most 1 MiB of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how many seconds it lives from when it was given."""

    value: Secret
    lives_seconds: int


@dataclass(frozen=True, slots=True)
class TokenPlease:
    """Give me a token; `rejected` is one the provider just refused, which must not be given again."""

    rejected: Token | None = None


Effect: TypeAlias = Request | TokenPlease
