"""Tokens are kept until shortly before they end, per account, and fetched once at a time."""

from __future__ import annotations

import dataclasses

from quickkub.connectors.contract import Account, Token, Unknown
from quickkub.connectors.tokens import Fetched, TokenShelf
from quickkub.kernel.secrets import Secret
from tests.support.hand_clock import HandClock
from tests.support.made_up_provider import account_at


class Desk:
    """Gives tokens 1, 2, 3 ... that live so long."""

    def __init__(self, lives: int = 1800) -> None:
        self.given, self.lives, self.ill = 0, lives, False
        self.clock = HandClock()
        self.shelf = TokenShelf(self.clock)
        self.account = account_at("http://bank.example")

    async def fetch(self) -> Fetched:
        if self.ill:
            return Unknown("ill")
        self.given += 1
        return Token(Secret(f"token-{self.given}"), self.lives)

    async def take(self, account: Account | None = None, rejected: Token | None = None) -> Fetched:
        return await self.shelf.take(account or self.account, "http://bank.example", rejected, self.fetch)


async def test_a_token_is_renewed_sixty_seconds_before_it_ends() -> None:
    desk = Desk()
    await desk.take()
    desk.clock.passes(1739)
    await desk.take()
    assert desk.given == 1
    desk.clock.passes(1)
    await desk.take()
    assert desk.given == 2


async def test_a_token_with_a_short_life_is_used_for_half_of_it() -> None:
    desk = Desk(lives=20)
    await desk.take()
    desk.clock.passes(9)
    await desk.take()
    assert desk.given == 1
    desk.clock.passes(1)
    await desk.take()
    assert desk.given == 2


async def test_a_rejected_token_is_not_given_again_and_a_newer_one_is_kept() -> None:
    desk = Desk()
    first = await desk.take()
    assert isinstance(first, Token)
    await desk.take(rejected=first)
    assert desk.given == 2
    await desk.take(rejected=first)
    assert desk.given == 2, "somebody has renewed it already"


async def test_changed_credentials_get_a_new_token() -> None:
    desk = Desk()
    await desk.take()
    await desk.take(dataclasses.replace(desk.account, credentials={"secret": Secret("another")}))
    assert desk.given == 2


async def test_a_failed_fetch_is_not_kept() -> None:
    desk = Desk()
    desk.ill = True
    assert isinstance(await desk.take(), Unknown)
    desk.ill = False
    assert isinstance(await desk.take(), Token)
