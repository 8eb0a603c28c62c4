"""From an empty form to a session: registering, letters and invitations, as browser and mailbox see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from quickkub.access import members
from quickkub.access.mail import Mail
from quickkub.access.service import Access
from quickkub.api.app import create_app
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.keys import Caller
from quickkub.storage import Database
from tests.support.api import Client
from tests.support.browser_client import Browser
from tests.support.server import serving
from tests.support.signing_in import PASSWORD, People, Postbox

NEW = "seven grey herons at noon"
SOMEBODY = {"email": "suda@example.com", "password": PASSWORD, "name": "สุดา ดี"}


class Town:
    """A gateway where anybody may register, a browser, and everybody's mailbox."""

    def __init__(self, browser: Browser, access: Access, client: Client) -> None:
        self.browser = browser
        self.access = access
        self.client = client
        self.postbox = Postbox()
        self.mail: Mail = access.mail(self.postbox)

    async def letter(self) -> str:
        """The token in the newest letter, once all that is due is sent."""
        for due in await self.mail.claim(10):
            await self.mail.send(due)
        return self.postbox.token()


@pytest.fixture
async def town(shop: Client, database: Database) -> AsyncIterator[Town]:
    assert shop.services.access is not None
    ground = shop.services.access.ground
    open_to_all = replace(ground.rules, public_url="http://shop.test", open_registration=True)
    told = replace(ground, roles_of=members.roles_of, invited=members.invited, join=members.accept)
    access = Access(replace(told, rules=open_to_all))
    async with serving(create_app(replace(shop.services, access=access))) as url:
        # The worker's side of the letters sees what the house sees.
        worker = Access(replace(access.ground, db=database))
        town = Town(Browser(shop.session, url), access, shop)
        town.mail = worker.mail(town.postbox)
        yield town


async def test_somebody_new_ends_up_signed_in(town: Town) -> None:
    told = await town.browser.posts("/auth/register", SOMEBODY)
    assert (told.status, told.json) == (202, {"object": "accepted", "accepted": True})
    early = await town.browser.logs_in(SOMEBODY["email"], PASSWORD)
    assert early.no == (403, "email_unverified", None)
    words = {"token": await town.letter(), "password": PASSWORD}
    assert (await town.browser.posts("/auth/verify-email", words)).status == 200
    assert (await town.browser.posts("/auth/verify-email", words)).no == (422, "link_refused", "token")
    assert (await town.browser.logs_in(SOMEBODY["email"], PASSWORD)).json["status"] == "signed_in"
    me = (await town.browser.gets("/auth/me")).json
    assert (me["user"]["name"], me["user"]["locale"], me["may_only_enrol"]) == ("สุดา ดี", "th", False)


async def test_an_address_that_is_taken_is_answered_like_a_new_one(town: Town) -> None:
    first = await town.browser.posts("/auth/register", SOMEBODY)
    again = await town.browser.posts("/auth/register", SOMEBODY | {"password": NEW})
    assert (again.status, again.body) == (first.status, first.body)
    assert set(again.headers) == set(first.headers)


@pytest.mark.parametrize(
    ("changed", "no"),
    [
        ({"password": "short"}, (422, "password_refused", "password")),
        ({"password": "password1234"}, (422, "password_refused", "password")),
        ({"password": "x" * 129}, (422, "password_refused", "password")),
        ({"email": "nonsense"}, (400, "email_invalid", "email")),
        ({"name": "a\u202eb"}, (400, "parameter_invalid", "name")),
        ({"locale": "fr"}, (400, "parameter_invalid", "locale")),
        ({"role": "owner"}, (400, "parameter_unknown", "role")),
        ({"operator_role": "operator"}, (400, "parameter_unknown", "operator_role")),
    ],
)
async def test_bad_words_register_nobody(
    town: Town, database: Database, changed: dict[str, str], no: tuple[int, str, str]
) -> None:
    assert (await town.browser.posts("/auth/register", SOMEBODY | changed)).no == no
    async with database.read() as reader:
        assert await reader.fetchval("SELECT count(*) FROM users") == 0


async def test_a_forgotten_password_is_chosen_anew_and_every_session_ends(
    town: Town, database: Database
) -> None:
    user = await People(database).person()
    await town.browser.logs_in(user.email, PASSWORD)
    assert (await town.browser.posts("/auth/forgot-password", {"email": user.email})).status == 202
    words = {"token": await town.letter(), "password": NEW}
    assert (await town.browser.posts("/auth/reset-password", words)).status == 200
    assert (await town.browser.gets("/auth/me")).no == (401, "session_missing", None)
    assert (await town.browser.logs_in(user.email, PASSWORD)).no == (401, "login_refused", None)
    assert (await town.browser.logs_in(user.email, NEW)).status == 200


async def test_a_changed_password_keeps_this_browser_signed_in(town: Town, database: Database) -> None:
    user = await People(database).person()
    await town.browser.logs_in(user.email, PASSWORD)
    old = town.browser.cookie
    words = {"current_password": PASSWORD, "password": NEW}
    assert (await town.browser.posts("/auth/change-password", words)).status == 200
    assert town.browser.cookie != old
    assert (await town.browser.gets("/auth/me")).status == 200
    assert (await town.browser.gets("/auth/me", cookie=old)).status == 401


async def test_who_is_invited_as_an_owner_registers_and_may_only_set_up_the_second_factor(
    town: Town, database: Database
) -> None:
    merchant = MerchantId(town.client.shop.merchant)
    owner = await People(database).person("owner@example.com")
    async with database.transaction() as tx:
        await members.found(tx, merchant, owner.id)
        caller = Caller(merchant, "test", user_id=owner.id, role="owner")
        send = town.access.accounts.send_invitation
        await members.invite(tx, caller, "Suda@example.com", "owner", send)
    words = SOMEBODY | {"invitation": await town.letter()}
    assert (await town.browser.posts("/auth/register", words)).status == 202
    assert (await town.browser.logs_in(SOMEBODY["email"], PASSWORD)).status == 200
    me = (await town.browser.gets("/auth/me")).json
    assert (me["roles"], me["may_only_enrol"], me["second_factor"]["required"]) == (["owner"], True, True)
    assert (await town.browser.posts("/auth/totp/disable")).no == (403, "second_factor_required", None)
    assert (await town.browser.posts("/auth/totp/enrol")).status == 200
