"""Who is refused when, what the answer says about it, and who is never refused."""

from __future__ import annotations

import re
import time

import pytest

from quickkub.api.limits.desk import Limits
from quickkub.api.limits.policy import SECOND_US, Bucket, Rules, Window
from quickkub.kernel.ids import new_id
from quickkub.storage import Database
from tests.api.limits.conftest import Hand, Open, at
from tests.support.api import Told

FEW = Window("anonymous", 3, 900)


def numbers(told: Told) -> dict[str, int]:
    """The parameters of RateLimit and RateLimit-Policy of an answer with one policy."""
    text = f"{told.headers['ratelimit-policy']} {told.headers['ratelimit']}"
    return {name: int(value) for name, value in re.findall(r"([qwrt])=(\d+)", text)}


async def test_the_first_requests_without_a_key_are_answered_and_the_next_one_is_told_when_to_come_back(
    limited: Open,
) -> None:
    async with limited(anonymous=FEW) as shop:
        stranger = shop.with_key(None)
        answers = [await stranger.gets("/docs/problems", **at("203.0.113.9")) for _ in range(4)]
    assert [told.status for told in answers] == [200, 200, 200, 429]
    assert [told.headers["x-ratelimit-remaining"] for told in answers] == ["2", "1", "0", "0"]
    last = answers[-1]
    assert last.no == (429, "rate_limited", None)
    assert last.headers["ratelimit-policy"] == '"anonymous";q=3;w=900'
    assert re.fullmatch(r'"anonymous";r=0;t=\d+', last.headers["ratelimit"])
    assert 1 <= int(last.headers["retry-after"]) <= 1_800
    assert last.headers["x-ratelimit-limit"] == "3"
    assert 0 <= int(last.headers["x-ratelimit-reset"]) - time.time() <= 1_801


@pytest.mark.parametrize(
    "path", ["/docs", "/nothing/here", "/v1/payments", "/v1/nothing", "/docs/openapi.json", "//"]
)
async def test_every_address_counts_for_callers_without_a_key_those_where_nothing_is_too(
    limited: Open, path: str
) -> None:
    async with limited(anonymous=FEW) as shop:
        stranger = shop.with_key(None)
        told = [(await stranger.gets(path, **at("203.0.113.9"))).status for _ in range(5)]
        assert told[:3] == [told[0]] * 3
        assert told[0] != 429
        assert told[3:] == [429, 429]
        assert (await stranger.gets(path, **at("203.0.113.10"))).status == told[0]


async def test_an_ipv6_network_is_one_caller(limited: Open) -> None:
    async with limited(anonymous=FEW) as shop:
        stranger = shop.with_key(None)
        told = [(await stranger.gets("/docs/problems", **at(f"2001:db8:0:1::{n}"))).status for n in range(5)]
        other = await stranger.gets("/docs/problems", **at("2001:db8:0:2::1"))
    assert (told, other.status) == ([200, 200, 200, 429, 429], 200)


async def test_a_wrong_key_costs_its_address_a_request_and_a_good_one_from_there_still_works(
    limited: Open,
) -> None:
    async with limited(anonymous=FEW) as shop:
        guesser = shop.with_key("qk_test_sk_" + "A" * 38)
        told = [(await guesser.gets("/v1/payments", **at("203.0.113.9"))).status for _ in range(5)]
        assert told == [401, 401, 401, 429, 429]
        assert (await shop.gets("/v1/payments", **at("203.0.113.9"))).status == 200
        assert (await shop.with_key(None).gets("/docs/problems", **at("203.0.113.9"))).status == 429


async def test_health_metrics_assets_callbacks_and_payers_go_on_when_an_address_has_used_up_its_requests(
    limited: Open,
) -> None:
    async with limited(anonymous=FEW) as shop:
        payment = await shop.charges()
        page = payment["checkout_url"].removeprefix("http://shop.test")
        stranger = shop.with_key(None)
        for _ in range(5):
            last = await stranger.gets("/docs/problems")
        assert last.status == 429
        for _ in range(10):
            assert (await stranger.gets("/livez")).status == 200
            assert (await stranger.gets("/readyz")).status == 200
            assert (await stranger.gets("/health")).status in {200, 503}
            assert (await stranger.gets("/metrics")).status == 200
            assert (await stranger.gets(page)).status == 200
            assert (await stranger.gets(page + "/state")).status == 200
            called = await stranger.posts(f"/callbacks/madeup/{shop.shop.token}", {"id": new_id("evt")})
            assert called.status != 429


async def test_callbacks_have_a_bucket_for_each_account_so_one_cannot_silence_another(limited: Open) -> None:
    async with limited(clock=Hand(), callbacks=Bucket("callbacks", 1, 2)) as shop:
        flood = [(await shop.posts("/callbacks/madeup/made-up-token", {})).status for _ in range(4)]
        assert flood[2:] == [429, 429]
        told = await shop.posts(f"/callbacks/madeup/{shop.shop.token}", {"id": "T1"})
        assert told.status != 429


async def test_made_up_accounts_do_not_let_one_address_fill_what_is_kept_of_refused_callbacks(
    limited: Open,
) -> None:
    async with limited(clock=Hand(), senders=Bucket("senders", 1, 3)) as shop:
        for n in range(6):
            told = await shop.posts(f"/callbacks/madeup/made-up-{n}", {}, **at("203.0.113.9"))
            assert (told.status == 429) is (n >= 3)
        genuine = await shop.posts(f"/callbacks/madeup/{shop.shop.token}", {"id": "T1"}, **at("203.0.113.10"))
        assert genuine.status != 429
        assert await shop.shop.counts("refused_callbacks") <= 4


async def test_a_key_may_ask_in_a_burst_then_at_its_rate_and_is_told_how_much_is_left(limited: Open) -> None:
    clock = Hand()
    async with limited(clock=clock, test=Bucket("test", 10, 5)) as shop:
        answers = [await shop.gets("/v1/settings") for _ in range(8)]
        assert [told.status for told in answers[:5]] == [200] * 5
        assert answers[-1].no == (429, "rate_limited", None)
        assert answers[-1].headers["retry-after"] == "1"
        assert answers[0].headers["ratelimit-policy"] == '"test";q=5;w=1'
        assert numbers(answers[0])["r"] == 4
        clock.us += SECOND_US // 10
        assert [(await shop.gets("/v1/settings")).status for _ in range(2)] == [200, 429]


async def test_live_and_test_keys_have_their_own_rates_and_a_key_is_counted_wherever_it_asks_from(
    limited: Open,
) -> None:
    async with limited(mode="live") as shop:
        told = await shop.gets("/v1/settings", **at("203.0.113.9"))
        assert told.headers["ratelimit-policy"] == '"live";q=100;w=2'
        again = await shop.gets("/v1/settings", **at("203.0.113.10"))
        assert int(again.headers["x-ratelimit-remaining"]) <= int(told.headers["x-ratelimit-remaining"])
    async with limited() as shop:
        assert (await shop.gets("/v1/settings")).headers["ratelimit-policy"] == '"test";q=25;w=3'


async def test_lists_have_a_stricter_bucket_beside_the_keys_own(limited: Open) -> None:
    async with limited(clock=Hand(), test=Bucket("test", 1, 6)) as shop:
        lists = [await shop.gets("/v1/payments") for _ in range(4)]
        assert [told.status for told in lists] == [200, 200, 200, 429]
        assert lists[0].headers["ratelimit-policy"] == '"test";q=6;w=6, "search";q=3;w=3'
        assert (await shop.gets("/v1/settings")).status == 200


async def test_a_refused_request_does_nothing_and_keeps_its_idempotency_key_free(limited: Open) -> None:
    clock = Hand()
    async with limited(clock=clock, test=Bucket("test", 10, 1)) as shop:
        order = {"amount": 15_000, "currency": "THB", "method": "promptpay"}
        statuses = [(await shop.posts("/v1/payments", order, once=f"order-{n}")).status for n in (1, 2)]
        assert statuses == [201, 429]
        clock.us += SECOND_US // 10
        told = await shop.posts("/v1/payments", order, once="order-2")
        assert told.status == 201
        assert "idempotent-replayed" not in told.headers


async def test_so_many_requests_of_one_key_at_once_and_no_more_while_another_key_is_served(
    limited: Open, database: Database
) -> None:
    limits = Limits(Rules())
    async with limited(limits) as shop:
        for _ in range(25):
            limits.enter((await key_id(database)), 25)
        assert (await shop.gets("/v1/settings")).no == (429, "too_many_at_once", None)
        for _ in range(25):
            limits.leave(await key_id(database))
        assert (await shop.gets("/v1/settings")).status == 200
        assert (await shop.gets("/v1/settings/nothing")).status == 404
    assert not limits._under_way


async def key_id(database: Database) -> str:
    async with database.read() as reader:
        return str(await reader.fetchval("SELECT id FROM api_keys"))


async def test_limits_of_a_key_of_its_own_are_kept() -> None:
    rules = Rules()
    assert rules.of_key("live", None, None) == Bucket("live", 50, 100)
    assert rules.of_key("live", 200, None) == Bucket("live", 200, 400)
    assert rules.of_key("test", 200, 300) == Bucket("test", 200, 300)
    assert rules.of_key("test", None, 3) == Bucket("test", 10, 3)


def test_the_briefs_variables_set_the_window_and_the_rate_of_test_keys_is_set_openly() -> None:
    rules = Rules.of(window_ms=60_500, max_requests=40, test_rate=1_000)
    assert (rules.anonymous, rules.login) == (Window("anonymous", 40, 61), Window("login", 8, 61))
    assert (rules.test, rules.live) == (Bucket("test", 1_000, 2_000), Rules().live)


async def test_addresses_a_stranger_writes_before_the_proxys_own_buy_no_new_requests(limited: Open) -> None:
    async with limited(anonymous=FEW) as shop:
        stranger = shop.with_key(None)
        told = [await stranger.gets("/docs/problems", **at(f"198.51.100.{n}, 203.0.113.9")) for n in range(5)]
    assert [one.status for one in told] == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("path", ["/auth/login", "/auth//login", "//auth/login/", "/auth/login/"])
async def test_an_attempt_to_log_in_is_counted_as_one_however_its_address_is_written(
    limited: Open, path: str
) -> None:
    async with limited(login=Window("login", 2, 900)) as shop:
        told = [await shop.with_key(None).posts(path, {}, **at("203.0.113.9")) for _ in range(3)]
    assert told[0].headers["ratelimit-policy"] == '"login";q=2;w=900'
    assert [one.status == 429 for one in told] == [False, False, True]


async def test_a_made_up_cookie_does_not_lift_the_limit_of_logins(limited: Open) -> None:
    async with limited(login=Window("login", 2, 900)) as shop:
        told = [await shop.with_key(None).posts("/auth/login", {}, Cookie="qk_session=x") for _ in range(3)]
    assert told[-1].no == (429, "rate_limited", None)
