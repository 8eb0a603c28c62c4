"""What every answer has, whoever made it; and that a bug tells nobody anything."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import structlog
from litestar import Response, get

from quickkub.api.app import create_app
from quickkub.api.edge import DEFAULT_HEADERS
from quickkub.kernel.ids import new_id
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from quickkub.telemetry import configure_logging
from tests.support.api import ORDER, Client, gateway, services_for
from tests.support.server import serving
from tests.support.shop import open_shop

EVERYWHERE = [
    "/livez",
    "/v1/payments",
    "/nothing/here",
    "/v1/nothing",
    "/callbacks/x",
    "/docs",
    "/docs/openapi.json",
    "//",
]


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_every_answer_has_its_safety_headers_and_an_id(
    same_shop: Client, path: str, method: str
) -> None:
    told = await same_shop.asks(method, path)
    for name, _ in DEFAULT_HEADERS:
        assert name.decode() in told.headers
    assert re.fullmatch(r"req_[0-9a-f]{32}", told.headers["x-request-id"])
    assert told.status < 500
    assert "server" not in told.headers
    # `default-src` speaks for neither.
    assert {"base-uri 'none'", "form-action 'none'"} <= set(
        told.headers["content-security-policy"].split("; ")
    )


async def test_browsers_are_told_to_insist_on_https_where_there_is_https(database: Database) -> None:
    shop = await open_shop(database)
    async with gateway(database, shop, public_url="https://pay.example") as over_https:
        assert "max-age" in (await over_https.gets("/livez")).headers["strict-transport-security"]
    async with gateway(database, shop) as over_http:
        assert "strict-transport-security" not in (await over_http.gets("/livez")).headers


@pytest.mark.parametrize("given", ["order-1042:retry.2", "0192f5e1-aaaa-7bbb", "a" * 64])
async def test_a_sane_request_id_of_the_caller_is_kept(same_shop: Client, given: str) -> None:
    told = await same_shop.gets("/nothing", **{"X-Request-Id": given})
    assert told.headers["x-request-id"] == told.json["request_id"] == given


@pytest.mark.parametrize(
    "given", ["short", "a" * 65, "has a space", "<script>alert", "ทดสอบทดสอบ", "-leading", ""]
)
async def test_any_other_request_id_is_replaced(same_shop: Client, given: str) -> None:
    told = await same_shop.gets("/livez", **{"X-Request-Id": given})
    assert told.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v2/payments",
        "/v1/payments/x/y/z",
        "/v1/payments/%2e%2e/x/y",
        "/.env",
        "/wp-login.php",
        "/%00",
    ],
)
async def test_an_address_where_there_is_nothing_is_a_problem(same_shop: Client, path: str) -> None:
    assert (await same_shop.gets(path)).no == (404, "not_found", None)


async def test_a_method_that_is_not_taken_names_those_that_are(same_shop: Client) -> None:
    told = await same_shop.asks("PATCH", "/v1/payments")
    assert (told.no, told.headers["allow"]) == ((405, "method_not_allowed", None), "GET, HEAD, OPTIONS, POST")


async def test_head_is_get_without_the_body(same_shop: Client) -> None:
    looked, head = await same_shop.gets("/v1/payments"), await same_shop.asks("HEAD", "/v1/payments")
    assert (head.status, head.body) == (looked.status, b"")
    assert head.headers["content-length"] == looked.headers["content-length"]


async def test_options_names_the_methods_to_anybody_and_nothing_else(same_shop: Client) -> None:
    path = f"/v1/webhook_endpoints/{new_id('we')}"
    told = await same_shop.with_key(None).asks("OPTIONS", path, headers={"Origin": "https://x.example"})
    assert (told.status, told.body, told.headers["allow"]) == (204, b"", "DELETE, GET, HEAD, OPTIONS, POST")
    assert not any(name.startswith("access-control") for name in told.headers)


# --- bugs --------------------------------------------------------------------------------------------------


class PaymentsWithABug:
    """Fails in a way nobody foresaw, with a secret in its hands."""

    async def page(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError(f"no such column: {CANARY}")


CANARY = "qk_live_sk_" + "Canary0" * 5 + "abc"


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    """What the process logs while a test runs."""
    stream, root = io.BytesIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(stream, level="DEBUG")
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def told_of(lines: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


async def test_a_bug_is_a_500_that_tells_only_its_number_and_is_logged_under_it(
    database: Database, lines: io.BytesIO
) -> None:
    shop = await open_shop(database)
    broken = replace(services_for(database, shop), payments=PaymentsWithABug())  # type: ignore[arg-type]
    async with gateway(database, shop) as client, serving(create_app(broken)) as url:
        client.url = url
        told = await client.gets("/v1/payments")
    assert told.no == (500, "internal_error", None)
    assert b"column" not in told.body
    (error,) = [line for line in told_of(lines) if line["log.level"] == "error"]
    assert (error["error.type"], error["http.request.id"]) == ("RuntimeError", told.headers["x-request-id"])
    assert CANARY not in lines.getvalue().decode()


@get("/broken")
async def broken() -> Response[dict[str, object]]:
    """An answer that cannot be written."""
    return Response({"x": object()})


async def test_an_answer_that_cannot_be_written_is_a_500_too(database: Database, lines: io.BytesIO) -> None:
    shop = await open_shop(database)
    async with gateway(database, shop) as client, serving(create_app(client.services, [broken])) as url:
        client.url = url
        assert (await client.gets("/broken")).no == (500, "internal_error", None)
    assert any(line["message"] == "request failed" for line in told_of(lines))


async def test_a_request_is_one_line_without_addresses_that_hold_secrets(
    database: Database, lines: io.BytesIO
) -> None:
    async with gateway(database) as shop:
        await shop.posts(f"/callbacks/madeup/{shop.shop.token}", {"id": "T1"})
        await shop.gets("/v1/payments?reference=4111111111111111")
    callback, listed = [line for line in told_of(lines) if line["message"] == "request"]
    assert callback["http.route"] == "/callbacks/{provider}/{token}"
    assert (listed["http.request.method"], listed["http.response.status_code"]) == ("GET", 200)
    assert listed["quickkub.key.id"].startswith("key_")
    assert listed["event.duration"] > 0
    written = lines.getvalue().decode()
    assert shop.shop.token not in written
    assert "4111111111111111" not in written


async def test_no_secret_that_goes_through_the_api_is_in_a_log_a_metric_or_a_problem(
    database: Database, lines: io.BytesIO
) -> None:
    secret = "Kanarienvogel7c1f"
    async with gateway(database, metrics_token=Secret(secret + "-metrics")) as shop:
        endpoint = await shop.posts("/v1/webhook_endpoints", {"url": f"http://127.0.0.1:9/{secret}"})
        problems = [
            await shop.with_key(f"qk_live_sk_{secret}").gets("/v1/payments"),
            await shop.posts("/v1/payments", ORDER | {"amount": secret}),
            await shop.posts("/v1/payments", ORDER, **{"Cookie": secret, "X-Api-Key": secret}),
            await shop.gets(f"/v1/payments/{secret}"),
            await shop.gets(f"/{secret}?{secret}={secret}"),
            await shop.asks("POST", "/v1/payments", raw=secret.encode(), headers={"Idempotency-Key": secret}),
        ]
        metrics = await shop.gets("/metrics")
    assert all(secret.encode() not in told.body for told in problems)
    assert secret.encode() not in metrics.body
    written = lines.getvalue().decode()
    assert len(written.splitlines()) >= len(problems)
    for canary in (secret, str(shop.key), endpoint.json["secret"]):
        assert canary not in written


# --- metrics -----------------------------------------------------------------------------------------------


async def test_metrics_count_by_route_and_not_by_address(same_shop: Client) -> None:
    for name in ("pay_1", "pay_2"):
        await same_shop.gets(f"/v1/payments/{name}")
    await same_shop.gets("/made/up/1")
    text = (await same_shop.gets("/metrics")).body.decode()
    assert 'route="/v1/payments/{payment}"' in text
    assert 'route="none"' in text
    assert "pay_1" not in text
    assert "made" not in text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Forwarded-For": "203.0.113.9"}, 404),
        ({"Forwarded": "for=203.0.113.9"}, 404),
        ({"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer the metrics token"}, 200),
        ({"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer another token"}, 404),
    ],
)
async def test_metrics_are_for_this_machine_and_for_those_with_the_token(
    database: Database, headers: Mapping[str, str], status: int
) -> None:
    async with gateway(database, metrics_token=Secret("the metrics token")) as shop:
        assert (await shop.with_key(None).gets("/metrics", **headers)).status == status


async def test_two_applications_in_one_process_do_not_share_their_services(database: Database) -> None:
    one, other = await open_shop(database), await open_shop(database)
    apps = [create_app(services_for(database, shop)) for shop in (one, other)]
    payments = [app.state.services.payments for app in apps]
    assert payments[0] is not payments[1]
