"""Notifications: signed, tried again after 1, 5 and 15 minutes; 400 and 404 refund the payer (pack 5.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from quickkub.connectors.simulation.base import World
from quickkub.connectors.simulation.post import Letter, Patience, Post

AGAIN_SECONDS: Final = (60, 300, 900)
REFUND_STATUSES: Final = frozenset({400, 404})
_OK: Final = 200


class Notices(Post):
    """Post that waits longer each time. `refuse` is told of a letter whose answer refunds the payer."""

    def __init__(self, world: World, refuse: Callable[[Letter], None]) -> None:
        super().__init__(world, _is_proper, Patience(1 + len(AGAIN_SECONDS), AGAIN_SECONDS[0]))
        self._refuse = refuse

    async def _deliver(self, letter: Letter, tries: int) -> None:
        """The n-th try; what the merchant's server says decides whether there is another."""
        if await self._call(letter):
            letter.state = "accepted"
        elif letter.tries[-1].status in REFUND_STATUSES:
            letter.state = "refused"
            self._refuse(letter)
        elif tries <= len(AGAIN_SECONDS):
            self._at(1000 * AGAIN_SECONDS[tries - 1], lambda: self._deliver(letter, tries + 1))
        else:
            letter.state = "given_up"


def _is_proper(status: int, _: bytes, __: Letter) -> bool:
    """The status decides; the code in the answer is the merchant's own text (pack 5.6)."""
    return status == _OK
