import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from quickkub.checkout.model import Key, Standing
from quickkub.kernel.ids import MerchantId, PaymentId
from quickkub.payments.states import PaymentState
from quickkub.storage import DatabaseAway
from quickkub.web.live import LiveHub, TooManyStreams
from tests.support.standings import KEY, standing

OTHER = Key(MerchantId("mer_" + "3" * 32), PaymentId("pay_" + "4" * 32))
PAID = standing(PaymentState.SUCCEEDED)
LONG_SECONDS = 30.0


class Truth:
    """Stands in for the table of payments: time passes by a second with each look."""

    def __init__(self) -> None:
        self.standings = {KEY: standing(), OTHER: standing()}
        self.looks: list[list[Key]] = []
        self.trouble: Exception | None = None

    async def look(self, keys: Sequence[Key]) -> Mapping[Key, Standing]:
        self.looks.append(list(keys))
        if self.trouble is not None:
            raise self.trouble
        later = timedelta(seconds=len(self.looks))
        return {
            key: replace(self.standings[key], seen_at=self.standings[key].seen_at + later) for key in keys
        }


@pytest.fixture
def truth() -> Truth:
    return Truth()


@pytest.fixture
async def hub(truth: Truth) -> AsyncIterator[LiveHub]:
    hub = LiveHub(truth.look, every_seconds=0.001, streams_max=3, per_payment_max=2)
    yield hub
    await hub.close()


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_SECONDS):
        while not fact():
            await asyncio.sleep(0)


async def test_a_page_hears_that_it_was_paid(hub: LiveHub, truth: Truth) -> None:
    with hub.follow(KEY, standing()) as follower:
        truth.standings[KEY] = PAID
        news = await follower.news(LONG_SECONDS)
        assert news is not None
        assert news.state is PaymentState.SUCCEEDED


async def test_a_page_that_was_opened_a_moment_too_early_hears_it_all_the_same(
    hub: LiveHub, truth: Truth
) -> None:
    truth.standings[KEY] = PAID
    with hub.follow(KEY, standing()) as follower:
        assert (await follower.news(LONG_SECONDS)) is not None


async def test_a_page_hears_that_its_time_is_up(hub: LiveHub, truth: Truth) -> None:
    truth.standings[KEY] = standing(seconds_left=5)
    with hub.follow(KEY, truth.standings[KEY]) as follower:
        news = await follower.news(LONG_SECONDS)
        assert news is not None
        assert news.seen_at >= news.expires_at


async def test_a_page_with_no_news_is_told_the_time_again(hub: LiveHub, truth: Truth) -> None:
    with hub.follow(KEY, standing()) as follower:
        await until(lambda: len(truth.looks) > 2)
        news = await follower.news(0)
        assert news is not None
        assert news.state is PaymentState.REQUIRES_ACTION
        assert news.seen_at > standing().seen_at


async def test_all_open_pages_cost_one_question(hub: LiveHub, truth: Truth) -> None:
    with hub.follow(KEY, standing()), hub.follow(KEY, standing()), hub.follow(OTHER, standing()):
        truth.looks.clear()
        await until(lambda: len(truth.looks) > 2)
        assert all(sorted(keys) == sorted([KEY, OTHER]) for keys in truth.looks)


async def test_nobody_is_asked_while_no_page_is_open(hub: LiveHub, truth: Truth) -> None:
    with hub.follow(KEY, standing()):
        await until(lambda: bool(truth.looks))
    assert hub.streams == 0
    await until(lambda: all(task.get_name() != "checkout-live" for task in asyncio.all_tasks()))
    with hub.follow(OTHER, standing()):
        truth.looks.clear()
        await until(lambda: bool(truth.looks))
    assert truth.looks[-1] == [OTHER]


async def test_while_the_database_is_away_a_page_hears_nothing_new_and_later_everything(truth: Truth) -> None:
    truth.trouble = DatabaseAway("gone")
    hub = LiveHub(truth.look, every_seconds=0.001)
    with hub.follow(KEY, standing()) as follower:
        await until(lambda: bool(truth.looks))
        assert await follower.news(0) is None
        assert not follower.over
        truth.trouble, truth.standings[KEY] = None, PAID
        assert await follower.news(LONG_SECONDS) is not None


async def test_when_asking_breaks_the_pages_are_let_go_and_the_next_one_is_served(truth: Truth) -> None:
    truth.trouble = KeyError("a bug")
    hub = LiveHub(truth.look, every_seconds=0.001)
    with hub.follow(KEY, standing()) as follower:
        assert await follower.news(LONG_SECONDS) is None
        assert follower.over
    truth.trouble, truth.standings[KEY] = None, PAID
    with hub.follow(KEY, standing()) as follower:
        assert await follower.news(LONG_SECONDS) is not None


async def test_one_payment_cannot_take_all_the_streams(hub: LiveHub) -> None:
    with hub.follow(KEY, standing()), hub.follow(KEY, standing()):
        with pytest.raises(TooManyStreams):
            hub.make_room(KEY)
        hub.make_room(OTHER)


async def test_a_process_holds_only_so_many_streams(hub: LiveHub) -> None:
    with hub.follow(KEY, standing()), hub.follow(KEY, standing()), hub.follow(OTHER, standing()):
        assert hub.streams == 3
        with pytest.raises(TooManyStreams), hub.follow(OTHER, standing()):
            pass
    assert hub.streams == 0


async def test_a_server_that_stops_lets_its_pages_go(hub: LiveHub) -> None:
    with hub.follow(KEY, standing()) as follower:
        await hub.close()
        assert await follower.news(LONG_SECONDS) is None
        assert follower.over
        with pytest.raises(TooManyStreams):
            hub.make_room(OTHER)
