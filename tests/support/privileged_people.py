"""How people do privileged acts over HTTP: members of a merchant, operators, anybody with a password."""

from __future__ import annotations

import base64
import re
from typing import Any

from quickkub.access import mail
from quickkub.access.emails import read_email
from quickkub.access.permissions import Role
from quickkub.access.users import User
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants import kyc
from quickkub.merchants.states import MerchantState, ReviewFact
from tests.support.api import Client
from tests.support.browser_client import Browser
from tests.support.people import add_merchant, add_user
from tests.support.privileged_acts import Request, act, api_key, deleting, posting
from tests.support.shop import VAULT
from tests.support.signing_in import PASSWORD
from tests.support.team import Team

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 17 + b"\0\0\0\0IEND\xaeB`\x82"
PICTURE = {"kind": "bank_book", "content": base64.b64encode(PNG).decode()}
PLATFORM = "/v1/platform/merchants"
KYC = {
    "legal_form": "individual",
    "legal_name": "Som Tam Shop",
    "registration_number": "1101700230708",
    "address": "1 Silom, Bangkok",
    "business": "Papaya salad",
    "people": [{"name": "Somchai Jaidee", "role": "owner", "id_number": "1101700230708"}],
}


def address() -> str:
    return f"{new_id('p')}@example.com"


# --- members of a merchant ---


async def colleague(team: Team) -> str:
    """Somebody else who works there."""
    user, _ = await add_user(team.database, "viewer")
    await team.joins(user, "viewer", team.merchant)
    return user


async def invited(owner: Client) -> str:
    told = await owner.posts("/v1/invitations", {"email": address(), "role": "viewer"})
    return str(told.json["id"])


async def of_a_fresh_merchant(team: Team, state: MerchantState = MerchantState.ACTIVE) -> Client:
    """An owner of a merchant of its own, where nothing waits for anybody."""
    return await team.member("owner", merchant=await add_merchant(team.database, state=state))


async def proposed(team: Team) -> tuple[Client, Client, str]:
    """Who asked, somebody who may decide, and the approval that waits."""
    merchant = await add_merchant(team.database)
    first, second = [await team.member("owner", merchant=merchant) for _ in range(2)]
    told = await first.posts("/v1/merchant/settlement_account", account())
    assert told.status == 202, told.body
    return first, second, str(told.json["id"])


def account() -> dict[str, str]:
    return {"bank": "004", "account_number": "1234567890", "holder": "Somchai Jaidee"}


@act("changeMember")
async def _(team: Team) -> Request:
    owner = await team.member("owner")
    return posting(owner, f"/v1/members/{await colleague(team)}", {"role": "support"})


@act("removeMember")
async def _(team: Team) -> Request:
    return deleting(await team.member("owner"), f"/v1/members/{await colleague(team)}")


@act("createInvitation")
async def _(team: Team) -> Request:
    return posting(await team.member("owner"), "/v1/invitations", {"email": address(), "role": "viewer"})


@act("withdrawInvitation")
async def _(team: Team) -> Request:
    owner = await team.member("owner")
    return deleting(owner, f"/v1/invitations/{await invited(owner)}")


@act("proposeSettlementAccount")
async def _(team: Team) -> Request:
    return posting(await of_a_fresh_merchant(team), "/v1/merchant/settlement_account", account())


@act("approve")
async def _(team: Team) -> Request:
    _, second, approval = await proposed(team)
    return posting(second, f"/v1/approvals/{approval}/approve", {})


@act("refuseApproval")
async def _(team: Team) -> Request:
    _, second, approval = await proposed(team)
    return posting(second, f"/v1/approvals/{approval}/refuse", {})


@act("withdrawApproval")
async def _(team: Team) -> Request:
    first, _, approval = await proposed(team)
    return posting(first, f"/v1/approvals/{approval}/withdraw", {})


@act("changeMerchant")
async def _(team: Team) -> Request:
    return posting(await of_a_fresh_merchant(team), "/v1/merchant", {"name": "Another Name"})


@act("submitKyc")
async def _(team: Team) -> Request:
    return posting(await of_a_fresh_merchant(team), "/v1/merchant/kyc", KYC)


@act("addKycDocument")
async def _(team: Team) -> Request:
    return posting(await of_a_fresh_merchant(team), "/v1/merchant/kyc/documents", PICTURE)


def program() -> dict[str, Any]:
    return {"name": "Till", "grant_types": ["client_credentials"], "scopes": ["payments:read"]}


@act("createOAuthClient")
async def _(team: Team) -> Request:
    return posting(await team.member("owner"), "/v1/oauth_clients", program())


@act("rollOAuthClientSecret")
async def _(team: Team) -> Request:
    owner = await team.member("owner")
    made = (await owner.posts("/v1/oauth_clients", program())).json["id"]
    return posting(owner, f"/v1/oauth_clients/{made}/roll_secret")


@act("revokeOAuthClient")
async def _(team: Team) -> Request:
    owner = await team.member("owner")
    made = (await owner.posts("/v1/oauth_clients", program())).json["id"]
    return deleting(owner, f"/v1/oauth_clients/{made}")


# --- operators ---


async def operator(team: Team) -> Client:
    return await team.operator(Role.BREAK_GLASS)


async def handed_in(team: Team, *, decided: bool = False) -> tuple[MerchantId, str]:
    """A pending merchant and its application."""
    merchant = await add_merchant(team.database, state=MerchantState.PENDING)
    async with team.database.transaction() as tx:
        application = str((await kyc.submit(tx, VAULT, merchant, KYC, "usr_" + "1" * 32))["id"])
        if decided:
            reviewer = "usr_" + "2" * 32
            await kyc.decide_application(tx, merchant, application, ReviewFact.APPROVE, reviewer, "")
    return merchant, application


@act("createMerchant")
async def _(team: Team) -> Request:
    return posting(await operator(team), PLATFORM, {"name": "New Shop", "owner_email": address()})


@act("setMerchantTier")
async def _(team: Team) -> Request:
    merchant = await add_merchant(team.database)
    return posting(await operator(team), f"{PLATFORM}/{merchant}/tier", {"tier": "enterprise"})


@act("approveMerchant")
async def _(team: Team) -> Request:
    merchant, _ = await handed_in(team, decided=True)
    return posting(await operator(team), f"{PLATFORM}/{merchant}/approve", {"reason": "known"})


@act("suspendMerchant")
async def _(team: Team) -> Request:
    merchant = await add_merchant(team.database)
    return posting(await operator(team), f"{PLATFORM}/{merchant}/suspend", {"reason": "odd"})


@act("reinstateMerchant")
async def _(team: Team) -> Request:
    merchant = await add_merchant(team.database, state=MerchantState.SUSPENDED)
    return posting(await operator(team), f"{PLATFORM}/{merchant}/reinstate", {"reason": "well again"})


@act("closeMerchant")
async def _(team: Team) -> Request:
    merchant = await add_merchant(team.database)
    return posting(await operator(team), f"{PLATFORM}/{merchant}/close", {"reason": "asked to"})


@act("setMerchantLimits")
async def _(team: Team) -> Request:
    merchant = await add_merchant(team.database)
    words = {"limits": [{"per_day": 1_000_000}]}
    return posting(await operator(team), f"{PLATFORM}/{merchant}/limits", words)


@act("addMerchantFeePlan")
async def _(team: Team) -> Request:
    merchant = await add_merchant(team.database)
    return posting(await operator(team), f"{PLATFORM}/{merchant}/fee_plans", {"percent": "1.5"})


@act("revokeMerchantApiKey")
async def _(team: Team) -> Request:
    path = f"{PLATFORM}/{team.merchant}/api_keys/{await api_key(team)}/revoke"
    return posting(await operator(team), path)


@act("setMerchantApiKeyRate")
async def _(team: Team) -> Request:
    path = f"{PLATFORM}/{team.merchant}/api_keys/{await api_key(team)}/rate"
    return posting(await operator(team), path, {"rate": {"per_second": 5, "burst": 10}})


@act("decideKycApplication")
async def _(team: Team) -> Request:
    merchant, application = await handed_in(team)
    path = f"{PLATFORM}/{merchant}/kyc/{application}/decide"
    return posting(await operator(team), path, {"decision": "approve"})


@act("decideKycDocument")
async def _(team: Team) -> Request:
    merchant = await add_merchant(team.database)
    owner = await team.member("owner", merchant=merchant)
    document = (await owner.posts("/v1/merchant/kyc/documents", PICTURE)).json["id"]
    path = f"{PLATFORM}/{merchant}/documents/{document}/decide"
    return posting(await operator(team), path, {"decision": "approve"})


@act("approveForMerchant")
async def _(team: Team) -> Request:
    merchant = await add_merchant(team.database)
    owner = await team.member("owner", merchant=merchant)
    approval = (await owner.posts("/v1/merchant/settlement_account", account())).json["id"]
    path = f"{PLATFORM}/{merchant}/approvals/{approval}/approve"
    return posting(await operator(team), path, {})


# --- anybody with a password ---


def saying(browser: Browser, path: str, words: Any = None) -> Request:
    return lambda: browser.posts(path, words)


async def signed_in(team: Team) -> tuple[User, Browser]:
    """Somebody at a browser, signed in."""
    user, browser = await team.people.person(address()), Browser.on(team.shop)
    told = await browser.logs_in(user.email, PASSWORD)
    assert told.status == 200, told.body
    return user, browser


async def with_app(team: Team) -> tuple[Browser, Secret]:
    """The same, with a second factor, proved a moment ago."""
    _, browser = await signed_in(team)
    begun = await browser.posts("/auth/totp/enrol")
    secret = Secret(begun.json["secret"])
    confirmed = await browser.posts("/auth/totp/confirm", {"code": team.people.code(secret)})
    assert confirmed.status == 200, confirmed.body
    return browser, secret


async def mailed_token(team: Team) -> str:
    """The token of the newest letter that holds one."""
    await team.people.mail_goes_out()
    tokens = (re.search(r"#([\w-]+)", letter.text) for letter in reversed(team.people.postbox.letters))
    return next(found[1] for found in tokens if found is not None)


@act("logIn")
async def _(team: Team) -> Request:
    user = await team.people.person(address())
    return saying(Browser.on(team.shop), "/auth/login", {"email": user.email, "password": PASSWORD})


@act("acceptInvitation")
async def _(team: Team) -> Request:
    owner, (user, browser) = await team.member("owner"), await signed_in(team)
    await owner.posts("/v1/invitations", {"email": user.email, "role": "viewer"})
    return saying(browser, "/auth/invitations/accept", {"token": await mailed_token(team)})


@act("showCode")
async def _(team: Team) -> Request:
    user, secret, _ = await team.people.person_with_app(address())
    browser = Browser.on(team.shop)
    challenge = (await browser.logs_in(user.email, PASSWORD)).json["challenge"]
    return saying(browser, "/auth/totp", {"challenge": challenge, "code": team.people.code(secret)})


@act("register")
async def _(team: Team) -> Request:
    owner, email = await team.member("owner"), address()
    await owner.posts("/v1/invitations", {"email": email, "role": "viewer"})
    newcomer = {
        "email": email,
        "password": PASSWORD,
        "name": "Somchai",
        "invitation": await mailed_token(team),
    }
    return saying(Browser.on(team.shop), "/auth/register", newcomer)


@act("verifyEmail")
async def _(team: Team) -> Request:
    user = await team.people.person(address(), verified=False)
    async with team.database.transaction() as tx:
        await mail.put(tx, VAULT, "verify_email", read_email(user.email), {"user": user.id})
    words = {"token": await mailed_token(team), "password": PASSWORD}
    return saying(Browser.on(team.shop), "/auth/verify-email", words)


@act("forgotPassword")
async def _(team: Team) -> Request:
    user = await team.people.person(address())
    return saying(Browser.on(team.shop), "/auth/forgot-password", {"email": user.email})


@act("resetPassword")
async def _(team: Team) -> Request:
    user, browser = await team.people.person(address()), Browser.on(team.shop)
    await browser.posts("/auth/forgot-password", {"email": user.email})
    words = {"token": await mailed_token(team), "password": "green turtles walk downhill"}
    return saying(browser, "/auth/reset-password", words)


@act("logOut")
async def _(team: Team) -> Request:
    _, browser = await signed_in(team)
    return saying(browser, "/auth/logout")


@act("stepUp")
async def _(team: Team) -> Request:
    _, browser = await signed_in(team)
    return saying(browser, "/auth/step-up", {"password": PASSWORD})


@act("changePassword")
async def _(team: Team) -> Request:
    _, browser = await signed_in(team)
    words = {"current_password": PASSWORD, "password": "green turtles walk downhill"}
    return saying(browser, "/auth/change-password", words)


@act("enrolTotp")
async def _(team: Team) -> Request:
    _, browser = await signed_in(team)
    return saying(browser, "/auth/totp/enrol")


@act("confirmTotp")
async def _(team: Team) -> Request:
    _, browser = await signed_in(team)
    secret = Secret((await browser.posts("/auth/totp/enrol")).json["secret"])
    return saying(browser, "/auth/totp/confirm", {"code": team.people.code(secret)})


@act("disableTotp")
async def _(team: Team) -> Request:
    browser, _ = await with_app(team)
    return saying(browser, "/auth/totp/disable")


@act("renewRecoveryCodes")
async def _(team: Team) -> Request:
    browser, _ = await with_app(team)
    return saying(browser, "/auth/recovery-codes")


@act("endOtherSessions")
async def _(team: Team) -> Request:
    user, browser = await signed_in(team)
    await Browser.on(team.shop).logs_in(user.email, PASSWORD)
    return lambda: browser.asks("DELETE", "/auth/sessions")


@act("endSession")
async def _(team: Team) -> Request:
    user, browser = await signed_in(team)
    await Browser.on(team.shop).logs_in(user.email, PASSWORD)
    sessions = (await browser.gets("/auth/sessions")).json["data"]
    other = next(one["id"] for one in sessions if not one["current"])
    return lambda: browser.asks("DELETE", f"/auth/sessions/{other}")
