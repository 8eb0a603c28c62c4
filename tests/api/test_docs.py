"""The description of the API is written from the code, is fresh, and is served without foreign scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from quickkub.api import operators, v1
from quickkub.api.auth_routes import people
from quickkub.api.describe import document, openapi_json
from quickkub.api.docs import problem_rows
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.kernel.errors import Refusal, all_refusals
from tests.support.api import Client

ROOT = Path(__file__).parents[2]


def test_the_committed_description_is_what_the_code_says() -> None:
    committed = (ROOT / "docs/generated/openapi.json").read_text(encoding="utf-8")
    assert committed == openapi_json(), "run `make docs` and commit docs/generated/openapi.json"


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, told)
        for path, methods in document()["paths"].items()
        for method, told in methods.items()
    ]


def test_every_route_is_described_once_with_an_id_of_its_own() -> None:
    ids = [told["operationId"] for _, _, told in operations()]
    assert len(ids) == len(set(ids)) == len(v1.ROUTES) + len(operators.ROUTES) + len(people.ROUTES)


def test_exactly_the_operations_that_can_move_money_ask_for_a_key() -> None:
    asking = {
        told["operationId"]
        for _, _, told in operations()
        if any(one["name"] == "Idempotency-Key" and one["required"] for one in told["parameters"])
    }
    assert asking == {route.opt[OPT_KEY].id for route in v1.ROUTES if route.opt[OPT_KEY].once}
    assert asking == {
        "createPayment",
        "cancelPayment",
        "capturePayment",
        "voidPayment",
        "createRefund",
        "reportRefundTransfer",
        "cancelRefund",
        "contestDispute",
        "acceptDispute",
        "resolveCase",
    }


def test_no_operation_of_people_speaks_of_keys_or_versions() -> None:
    for path, _, told in operations():
        if path.startswith("/auth/"):
            assert told["security"] == [{"session": []}, {}]
            assert all(one["in"] != "header" for one in told["parameters"])
            assert "key_refused" not in json.dumps(told["responses"])


def test_every_reference_leads_to_a_schema() -> None:
    described = document()
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)))
    assert names <= set(described["components"]["schemas"])
    assert {"CreatePayment", "Payment", "PaymentList", "Problem", "Event"} <= names


def test_what_is_sent_takes_no_other_fields_and_what_is_answered_may_grow() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["CreatePayment"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["Payment"]


def test_an_amount_is_described_as_whole_satang_in_range() -> None:
    amount = document()["components"]["schemas"]["CreatePayment"]["properties"]["amount"]
    assert (amount["type"], amount["minimum"], amount["maximum"]) == ("integer", 1, 10**12)


def our_refusals() -> list[type[Refusal]]:
    return [one for one in all_refusals() if one is not Refusal and one.__module__.startswith("quickkub.")]


def test_every_refusal_has_a_code_a_status_and_a_line_in_the_docs() -> None:
    rows = {code: (status, title) for code, status, title in problem_rows()}
    for refusal in our_refusals():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", refusal.code), refusal
        assert refusal.__doc__, refusal
        status, title = rows[refusal.code]
        assert 400 <= status < 600
        assert title


def test_no_two_refusals_share_a_code_and_differ_in_status() -> None:
    kinds: dict[str, set[object]] = {}
    for refusal in our_refusals():
        kinds.setdefault(refusal.code, set()).add(refusal.kind)
    assert {code: found for code, found in kinds.items() if len(found) > 1} == {}


async def test_the_type_of_a_problem_leads_to_its_line(same_shop: Client) -> None:
    problem = (await same_shop.gets("/nothing")).json
    path, _, anchor = problem["type"].partition("#")
    page = (await same_shop.with_key(None).gets(path)).body.decode()
    assert f'id="{anchor}"' in page


@pytest.mark.parametrize("path", ["/docs", "/docs/problems"])
async def test_the_pages_run_no_script_and_load_nothing(same_shop: Client, path: str) -> None:
    told = await same_shop.with_key(None).gets(path)
    page = told.body.decode()
    assert told.status == 200
    assert told.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert "default-src 'none'" in told.headers["content-security-policy"]
    assert "unsafe" not in told.headers["content-security-policy"]


async def test_the_page_names_every_operation(same_shop: Client) -> None:
    page = (await same_shop.gets("/docs")).body.decode()
    for path, _, told in operations():
        assert f"<code>{path}</code>" in page
        assert f'id="{told["operationId"]}"' in page


async def test_tools_get_the_same_as_json(same_shop: Client) -> None:
    told = await same_shop.with_key(None).gets("/docs/openapi.json")
    assert (told.headers["content-type"], told.json) == ("application/json", document())


def test_the_version_described_is_the_version_that_is_answered() -> None:
    assert document()["info"]["version"] == "2026-11-23"
    assert all(isinstance(route.opt[OPT_KEY], Operation) for route in v1.ROUTES)
