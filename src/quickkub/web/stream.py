"""The live events of one open page, as a stream of server-sent events (WHATWG HTML 9.2)."""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import msgspec

from quickkub.checkout.model import Checkout
from quickkub.checkout.rules import is_watched
from quickkub.web.live import LiveHub
from quickkub.web.pages import told
from quickkub.web.words import Lang

HEARTBEAT_SECONDS: Final = 15
"""A page hears something at least this often: it notices a dead line, and no proxy closes a quiet one."""

STREAM_SECONDS_MAX: Final = 300
"""A stream ends after this long and the browser opens another: nothing is held for a page nobody looks at."""

_RETRY_MS_MIN: Final = 1_000
_RETRY_MS_SPREAD: Final = 4_000


async def events(hub: LiveHub, checkout: Checkout, lang: Lang) -> AsyncIterator[bytes]:
    """The state now, then each change, with a heartbeat between; ends when there is nothing to wait for."""
    until = time.monotonic() + STREAM_SECONDS_MAX
    yield f"retry: {_retry_ms(checkout)}\n\n".encode()
    yield _event(checkout, lang)
    with hub.follow(checkout.key, checkout.standing) as follower:
        while is_watched(checkout.standing) and not follower.over and time.monotonic() < until:
            standing = await follower.news(HEARTBEAT_SECONDS)
            if standing is None:
                yield b": no news\n\n"
                continue
            checkout = replace(checkout, standing=standing)
            yield _event(checkout, lang)


def _event(checkout: Checkout, lang: Lang) -> bytes:
    return b"event: state\ndata: " + msgspec.json.encode(told(checkout, lang)) + b"\n\n"


def _retry_ms(checkout: Checkout) -> int:
    """When to come back after a lost line: not the same for all, or all would come back at once."""
    return _RETRY_MS_MIN + zlib.crc32(checkout.key.payment.encode()) % _RETRY_MS_SPREAD
