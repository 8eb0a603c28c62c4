"""A connector's exchange without a wire: the answers come from a list."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from typing import Any

from quickkub.connectors.contract import NoAnswer, Request, Response, Token, TokenPlease
from quickkub.kernel.secrets import Secret

TOKEN = Token(Secret("token-1"), 1800)


def driven(
    exchange: Generator[Any, Any, Any], answers: Sequence[Response | NoAnswer]
) -> tuple[Any, list[Request]]:
    """The outcome when these answers come one after the other, and what was asked; tokens are free."""
    asked: list[Request] = []
    left = list(answers)
    try:
        effect = next(exchange)
        while True:
            if isinstance(effect, TokenPlease):
                effect = exchange.send(TOKEN)
            else:
                asked.append(effect)
                came = left.pop(0)
                effect = exchange.throw(came) if isinstance(came, NoAnswer) else exchange.send(came)
    except StopIteration as end:
        return end.value, asked


def answer(status: int, body: Any) -> Response:
    return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
