"""Accounts at providers: tried there before they are stored, switched on and off, never shown again.

What goes in as a credential does not come out: not in an answer, not in a refusal, not in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post

from quickkub.api import merchant_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.audit import Act, record
from quickkub.connectors import registry
from quickkub.connectors.particulars import BadParticulars, addresses, loose_account, sort
from quickkub.connectors.registry import UnknownProvider
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import has_shape
from quickkub.merchants import accounts
from quickkub.webhooks.addresses import is_loopback
from quickkub.webhooks.guard import UrlRefused

PATH = "/v1/provider_accounts"


class ProviderAccountMissing(Refusal):
    """There is no such account in this mode."""

    code, kind = "provider_account_missing", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such account", param="id")


class ProviderAccountRefused(Refusal):
    """The provider did not take these credentials, or could not be asked; the account was not stored."""

    code, kind = "provider_account_refused", Kind.UNPROCESSABLE


class AddressNotYours(Refusal):
    """Where a provider is reached is decided by the operator of this gateway."""

    code, kind = "provider_address_refused", Kind.FORBIDDEN


LIST = Operation(
    id="listProviderAccounts",
    needs="providers:read",
    summary="List your accounts at providers",
    description="All of this mode on one page: there are few. Credentials are never shown.",
    answers=schema.List[words.ProviderAccount],
)


@get(PATH, opt=says(LIST))
async def list_accounts(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    async with request.services.db.read() as reader:
        found = await accounts.shown_accounts(reader, caller.merchant, caller.mode)
    return page(PATH, [_view(dict(one)) for one in found], has_more=False)


ADD = Operation(
    id="addProviderAccount",
    needs="providers:write",
    summary="Add an account at a provider",
    description=(
        "The provider is asked with these credentials first; what does not work is not stored. Register "
        "`callback_url` at the provider and keep it private: it is shown in this answer only."
    ),
    answers=words.NewProviderAccount,
    status=201,
    body=words.AddProviderAccount,
    refusals=(UnknownProvider, BadParticulars, ProviderAccountRefused, AddressNotYours, UrlRefused),
)


@post(PATH, status_code=201, opt=says(ADD))
async def add_account(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.AddProviderAccount)
    request.query(schema.NoQuery)
    caller, services = request.caller, request.services
    manifest = registry.connector(said.provider).manifest
    settings, credentials = sort(manifest, said.particulars)
    await _refuse_addresses(request, settings, [field.name for field in addresses(manifest)])
    # No transaction is open while the provider is asked.
    tried = await services.check_account(loose_account(manifest, said.particulars, mode=caller.mode))
    if not tried.works:
        raise ProviderAccountRefused(f"{said.provider}: {tried.told}", param="particulars")
    async with services.db.transaction() as tx:
        account, token = await accounts.open_account(
            tx,
            services.vault,
            caller.merchant,
            mode=caller.mode,
            provider=said.provider,
            settings=settings,
            credentials=credentials,
        )
        shown = await accounts.shown_account(tx, caller.merchant, caller.mode, account)
        assert shown is not None, "it was opened in this transaction"
        await record(tx, _act("provider_account.added", request, account, {"provider": said.provider}))
    url = f"{services.settings.public_url}/callbacks/{said.provider}/{token}"
    return answer(_view(dict(shown)) | {"callback_url": url, "checked": tried.told}, status=201)


UPDATE = Operation(
    id="updateProviderAccount",
    needs="providers:write",
    summary="Switch an account on or off",
    description="Payments that are on their way are finished on an account that is off.",
    answers=words.ProviderAccount,
    body=words.UpdateProviderAccount,
    refusals=(ProviderAccountMissing,),
)


@post(f"{PATH}/{{account:str}}", status_code=200, opt=says(UPDATE))
async def update_account(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.UpdateProviderAccount)
    request.query(schema.NoQuery)
    caller, account = request.caller, str(request.path_params["account"])
    if not has_shape(account, "acc"):
        raise ProviderAccountMissing
    async with request.services.db.transaction() as tx:
        if not await accounts.switch(tx, caller.merchant, caller.mode, account, enabled=said.enabled):
            raise ProviderAccountMissing
        shown = await accounts.shown_account(tx, caller.merchant, caller.mode, account)
        assert shown is not None, "it was changed in this transaction"
        word = "enabled" if said.enabled else "disabled"
        await record(tx, _act(f"provider_account.{word}", request, account, {"enabled": said.enabled}))
    return answer(_view(dict(shown)))


async def _refuse_addresses(request: ApiRequest, settings: Mapping[str, str], names: list[str]) -> None:
    """Whoever names the address of a bank may be paid by a bank of their own, or have us call inside.

    Only on a developer's machine may a test account be at a simulator: where webhooks may go there, too.
    """
    for name in names:
        url = settings.get(name)
        if url is None:
            continue
        cleared = await request.services.guard.clear(url, request.caller.mode)
        if request.caller.mode != "test" or not all(is_loopback(one) for one in cleared.addresses):
            raise AddressNotYours("the operator decides where a provider is reached", param=name)


def _view(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "provider_account",
        "mode": row["mode"],
        "provider": row["provider"],
        "settings": row["settings"],
        "enabled": row["enabled"],
        "created_at": rfc3339(row["created_at"]),
    }


def _act(action: str, request: ApiRequest, account: str, after: Mapping[str, Any]) -> Act:
    caller = request.caller
    return Act(action, "provider_account", account, caller.merchant, caller.mode, after=after)


ROUTES = (list_accounts, add_account, update_account)
