"""Refusals: the ways QuickKub says no. Anything raised that is not a Refusal is a bug."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What sort of no it is; the value is the HTTP status the edge answers with."""

    INVALID = 400
    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    METHOD = 405
    CONFLICT = 409
    TOO_LARGE = 413
    UNSUPPORTED = 415
    UNPROCESSABLE = 422
    TOO_MANY = 429
    UNAVAILABLE = 503


class Refusal(Exception):
    """A business no, with a stable code.

    `code` is for programs and never changes once released; `kind` decides the HTTP status; `param` names
    the field or header at fault (JSON path such as `metadata.order`), or is None; `retry_after` is in
    seconds, or None when a retry would not help.
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = Kind.INVALID

    def __init__(self, detail: str, *, param: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.param = param
        self.retry_after = retry_after


def all_refusals(root: type[Refusal] = Refusal) -> list[type[Refusal]]:
    """Every refusal class imported so far, sorted by code, for the docs page and the test that walks them."""
    found: set[type[Refusal]] = set()
    waiting = [root]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        waiting.extend(current.__subclasses__())
    return sorted(found, key=lambda cls: (cls.code, cls.__qualname__))
