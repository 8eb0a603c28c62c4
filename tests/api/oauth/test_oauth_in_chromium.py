"""The consent page in a real browser: its policy lets the form go where it must, and nowhere else."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from playwright.async_api import Route

from tests.support.browser import PHONE, cramped_thai, running_chromium, scrolls_sideways
from tests.support.oauth import BACK, answer_in, by_code, verifier_and_challenge
from tests.support.oauth_http import Site


async def test_a_person_allows_a_program_on_a_phone(site: Site) -> None:
    client = await site.server.registers(name="เครื่องคิดเงิน")
    verifier, challenge = verifier_and_challenge()
    link = f"{site.url}/oauth/authorize?{urlencode(site.server.question(client, challenge))}"
    complaints: list[str] = []
    async with running_chromium() as browser:
        context = await browser.new_context(**PHONE, locale="th-TH")
        await context.add_cookies([{"name": "person", "value": site.cookie, "url": site.url}])
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))

        async def client_answers(route: Route) -> None:
            await route.fulfill(status=200, content_type="text/plain", body="thank you")

        # Nothing leaves the machine: the client's own page is played here.
        await context.route(f"{BACK}*", client_answers)
        await page.goto(link)
        assert await page.get_by_text("เครื่องคิดเงิน ขอเข้าถึงร้านของคุณ").is_visible()
        assert not await scrolls_sideways(page)
        assert not await cramped_thai(page)
        await page.get_by_role("button", name="อนุญาต", exact=True).click()
        await page.wait_for_url(f"{BACK}*")
        heard, shown = answer_in(page.url), urlsplit(page.url)
        await context.close()
    assert complaints == []
    assert shown.hostname == "app.example.com" and heard["iss"] == site.url
    answer = await site.server.settles(client, by_code(heard["code"], verifier))
    assert (await site.server.tokens.caller(answer.access_token.reveal())).user_id == site.server.owner.user
