"""The consent page: whom it shows what, where its form may go, and who may send it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from quickkub.access.oauth.ask import SignedIn
from quickkub.access.oauth.clients import Client
from quickkub.kernel.ids import new_id
from tests.support.oauth import BACK, answer_in, new_person, verifier_and_challenge
from tests.support.oauth_http import Site, ticket_in


def link(site: Site, client: Client, **more: str | None) -> str:
    question = site.server.question(client, verifier_and_challenge()[1], **more)
    return f"{site.url}/oauth/authorize?{urlencode(question)}"


async def test_the_page_says_who_asks_for_what_in_two_languages(site: Site) -> None:
    client = await site.server.registers(name="Till <script>", scopes=("payments:read", "refunds:write"))
    status, page, headers = await site.opens(link(site, client, lang="en"))
    assert status == 200 and headers["content-language"] == "en"
    assert "Till &lt;script&gt; asks to be let into your shop" in page
    assert "See payments" in page and "Make and change refunds" in page
    assert "Somchai &lt;b&gt;" in page and BACK in page
    status, page, headers = await site.opens(link(site, client, lang="th"))
    assert headers["content-language"] == "th" and "ดูการชำระเงิน" in page
    assert "code_challenge=" in page and "lang=en" in page


async def test_the_page_is_alone_with_its_person(site: Site) -> None:
    client = await site.server.registers()
    _, page, headers = await site.opens(link(site, client))
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example.com;" in policy
    assert headers["x-frame-options"] == "DENY" and headers["cache-control"] == "no-store"
    # With no-referrer a browser would send the form with `Origin: null`.
    assert headers["referrer-policy"] == "same-origin"
    assert "<script" not in page and " style=" not in page and " on" + "click" not in page


async def test_nobody_signed_in_is_shown_nothing_and_sent_nowhere(site: Site) -> None:
    client = await site.server.registers()
    for cookie in (None, "forged"):
        status, page, headers = await site.opens(link(site, client), cookie=cookie)
        assert status == 401 and "location" not in headers
        assert client.name not in page and "ticket" not in page


async def test_a_client_or_address_nobody_knows_is_told_to_the_person(site: Site) -> None:
    client = await site.server.registers()
    evil = {"redirect_uri": "https://evil.example/back"}
    for address in (
        link(site, client, **evil),
        link(site, client, client_id=new_id("cli")),
        link(site, client) + "&redirect_uri=https%3A%2F%2Fevil.example",
        link(site, client) + "&client_id=" + client.id,
        link(site, client) + "&x=%ff",
        f"{site.url}/oauth/authorize",
    ):
        status, page, headers = await site.opens(address)
        assert status == 400 and "location" not in headers
        assert "evil.example" not in page.split("<main", 1)[1]


async def test_other_mistakes_are_told_to_the_client_by_redirect(site: Site) -> None:
    client = await site.server.registers()
    status, _, headers = await site.opens(link(site, client, code_challenge_method="plain"))
    assert status == 303 and headers["referrer-policy"] == "no-referrer"
    heard = answer_in(headers["location"])
    assert headers["location"].startswith(BACK + "?")
    assert (heard["error"], heard["state"], heard["iss"]) == ("invalid_request", "s-1", site.url)


async def test_an_address_with_a_query_keeps_it(site: Site) -> None:
    client = await site.server.registers(redirect_uris=(BACK + "?shop=1",))
    location = await site.agrees(link(site, client))
    assert location.startswith(BACK + "?shop=1&code=")


async def test_a_no_goes_back_as_one(site: Site) -> None:
    client = await site.server.registers()
    _, page, _ = await site.opens(link(site, client))
    status, _, headers = await site.answers(ticket_in(page), "deny")
    assert status == 303 and answer_in(headers["location"])["error"] == "access_denied"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Cookie": ""},
        {"Cookie": "person=forged"},
        {"Content-Type": "application/json"},
        {"Content-Type": "text/plain"},
    ],
)
async def test_a_form_from_elsewhere_does_not_count(site: Site, headers: dict[str, str]) -> None:
    client = await site.server.registers()
    _, page, _ = await site.opens(link(site, client))
    ticket = ticket_in(page)
    status, _, told = await site.answers(ticket, **headers)
    assert status in (400, 403) and "location" not in told
    assert (await site.answers(ticket))[0] == 303


async def test_a_form_of_another_session_does_not_count(site: Site) -> None:
    client = await site.server.registers()
    _, page, _ = await site.opens(link(site, client))
    same_person = site.jar.opens(SignedIn(site.server.owner.user, new_id("ses")))
    colleague = site.jar.opens(
        SignedIn(await new_person(site.api.shop.db, site.server.merchant), new_id("ses"))
    )
    for cookie in (same_person, colleague):
        status, _, told = await site.answers(ticket_in(page), cookie=cookie)
        assert status == 403 and "location" not in told


async def test_a_form_is_sent_once(site: Site) -> None:
    client = await site.server.registers()
    _, page, _ = await site.opens(link(site, client))
    assert (await site.answers(ticket_in(page)))[0] == 303
    assert (await site.answers(ticket_in(page)))[0] == 403


@pytest.mark.parametrize("decision", ["", "yes", "ALLOW", "deny,allow"])
async def test_an_answer_is_yes_or_no(site: Site, decision: str) -> None:
    client = await site.server.registers()
    _, page, _ = await site.opens(link(site, client))
    assert (await site.answers(ticket_in(page), decision))[0] == 403


async def test_somebody_with_no_part_in_the_merchant_is_sent_back(site: Site) -> None:
    client = await site.server.registers()
    stranger = site.jar.opens(SignedIn(await new_person(site.api.shop.db, None), new_id("ses")))
    status, _, headers = await site.opens(link(site, client), cookie=stranger)
    assert status == 303 and answer_in(headers["location"])["error"] == "access_denied"


async def test_a_consent_is_written_down_with_who_gave_it(site: Site) -> None:
    client = await site.server.registers()
    await site.agrees(link(site, client))
    async with site.api.shop.db.read() as reader:
        row = await reader.fetchrow(
            "SELECT * FROM audit_logs WHERE action = 'oauth_consent.given' AND resource_id = $1", client.id
        )
    assert row is not None
    assert (row["actor_kind"], row["actor_id"]) == ("user", site.server.owner.user)
    assert row["ip_address"] == "127.0.0.1" and row["request_id"].startswith("req_")
