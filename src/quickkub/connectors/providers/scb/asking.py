"""Asking SCB with a token, for every exchange."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias

from quickkub.connectors.contract import Effect, Request, Response, Token, TokenPlease
from quickkub.connectors.providers.scb import wire

Asking: TypeAlias = "Generator[Effect, Any, Response]"


def with_token(build: Callable[[Token], Request]) -> Asking:
    """Ask with a token; when exactly the token is refused, once more with a new one (pack 3)."""
    token: Token = yield TokenPlease()
    answer: Response = yield build(token)
    if wire.token_is_refused(answer):
        token = yield TokenPlease(rejected=token)
        answer = yield build(token)
    return answer
