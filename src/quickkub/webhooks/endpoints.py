"""Endpoints: made, changed, given a new secret, deleted. The guard is asked before any transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from quickkub.storage.vault import CannotOpen, Vault
from quickkub.webhooks import endpoint_store, rules
from quickkub.webhooks.guard import Guard
from quickkub.webhooks.model import Endpoint, Signatures, previous_secret_place, secret_place
from quickkub.webhooks.rules import EndpointNotFound, TooManyEndpoints
from quickkub.webhooks.sign import new_secret

ROTATION_OVERLAP: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change about an endpoint; None leaves a thing as it is, an empty description removes it."""

    url: str | None = None
    description: str | None = None
    events: Sequence[str] | None = None
    signatures: Signatures | None = None
    status: Literal["enabled", "disabled"] | None = None


def endpoint_view(endpoint: Endpoint, secret: Secret | None = None) -> dict[str, Any]:
    """The endpoint object of the API. `secret` is given where it was just made, and never again."""
    shown: dict[str, Any] = {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "mode": endpoint.mode,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": list(endpoint.events),
        "status": endpoint.state,
        "disabled_reason": endpoint.disabled_reason,
        "signatures": endpoint.signatures,
        "failing_since": rfc3339(endpoint.failing_since) if endpoint.failing_since else None,
        "previous_secret_until": (
            rfc3339(endpoint.previous_secret_until) if endpoint.previous_secret_until else None
        ),
        "created_at": rfc3339(endpoint.created_at),
    }
    if secret is not None:
        shown["secret"] = secret.reveal()
    return shown


async def create(
    db: Database,
    vault: Vault,
    guard: Guard,
    merchant: MerchantId,
    mode: str,
    *,
    url: str,
    description: str = "",
    events: Sequence[str] = (),
    signatures: Signatures = "both",
) -> tuple[Endpoint, Secret]:
    """Make an endpoint. The secret is shown here and never again.

    Raises UrlRefused, UnknownEventType, DescriptionInvalid, TooManyEndpoints, DatabaseAway.
    """
    wanted, words = rules.subscription(events), rules.description(description)
    cleared = await guard.clear(url, mode)
    endpoint, secret = new_id("we"), new_secret()
    sealed = vault.seal(secret.reveal().encode(), secret_place(merchant, endpoint, mode))
    async with db.transaction() as tx:
        if await endpoint_store.count_for_one_more(tx, merchant, mode) >= rules.ENDPOINTS_MAX:
            raise TooManyEndpoints(
                f"a merchant has at most {rules.ENDPOINTS_MAX} webhook endpoints in each mode"
            )
        made = await endpoint_store.insert(
            tx,
            merchant,
            endpoint,
            mode=mode,
            url=cleared.target.url,
            description=words,
            events=wanted,
            signatures=signatures,
            sealed=sealed,
        )
        await record(tx, _act("created", merchant, mode, endpoint, after=made))
    return made, secret


async def get(db: Database, merchant: MerchantId, mode: str, endpoint: str) -> Endpoint:
    """One endpoint. Raises EndpointNotFound."""
    async with db.read() as reader:
        return _found(await endpoint_store.find(reader, merchant, mode, endpoint))


async def list_all(db: Database, merchant: MerchantId, mode: str) -> list[Endpoint]:
    """All endpoints of a merchant in one mode, newest first, 16 at most."""
    async with db.read() as reader:
        return await endpoint_store.list_all(reader, merchant, mode)


async def update(
    db: Database, guard: Guard, merchant: MerchantId, mode: str, endpoint: str, changes: Changes
) -> Endpoint:
    """Change an endpoint. Enabling one forgets its failures; its dead letters wait for `redeliver_dead`.

    Raises EndpointNotFound, UrlRefused, UnknownEventType, DescriptionInvalid.
    """
    events = None if changes.events is None else rules.subscription(changes.events)
    if changes.description is not None:
        rules.description(changes.description)
    url = None if changes.url is None else (await guard.clear(changes.url, mode)).target.url
    async with db.transaction() as tx:
        before = await endpoint_store.find(tx, merchant, mode, endpoint)
        changed = await endpoint_store.update(
            tx,
            merchant,
            mode,
            endpoint,
            url=url,
            description=changes.description,
            events=events,
            signatures=changes.signatures,
            state=changes.status,
        )
        if changed is not None:
            await record(tx, _act("changed", merchant, mode, endpoint, before=before, after=changed))
    return _found(changed)


async def delete(db: Database, merchant: MerchantId, mode: str, endpoint: str) -> None:
    """Delete an endpoint. What was still to be delivered becomes a dead letter. Raises EndpointNotFound."""
    async with db.transaction() as tx:
        before = await endpoint_store.find(tx, merchant, mode, endpoint)
        if not await endpoint_store.delete(tx, merchant, mode, endpoint):
            raise EndpointNotFound
        await record(tx, _act("deleted", merchant, mode, endpoint, before=before))


async def rotate_secret(
    db: Database,
    vault: Vault,
    merchant: MerchantId,
    mode: str,
    endpoint: str,
    *,
    overlap: timedelta = ROTATION_OVERLAP,
) -> tuple[Endpoint, Secret]:
    """Give an endpoint a new secret, shown here and never again. For `overlap` both secrets sign.

    An overlap of zero is for a secret that leaked: the old one ends at once. Raises EndpointNotFound.
    """
    secret = new_secret()
    sealed = vault.seal(secret.reveal().encode(), secret_place(merchant, endpoint, mode))
    async with db.transaction() as tx:
        old = await endpoint_store.lock_secret(tx, merchant, mode, endpoint)
        if old is None:
            raise EndpointNotFound
        previous = _resealed(vault, merchant, endpoint, mode, old) if overlap > timedelta() else None
        changed = await endpoint_store.replace_secret(
            tx, merchant, endpoint, sealed=sealed, previous=previous, overlap=overlap
        )
        await record(tx, _act("secret_rotated", merchant, mode, endpoint, after=changed))
    return changed, secret


def _act(
    done: str,
    merchant: MerchantId,
    mode: str,
    endpoint: str,
    *,
    before: Endpoint | None = None,
    after: Endpoint | None = None,
) -> Act:
    return Act(
        f"webhook_endpoint.{done}",
        "webhook_endpoint",
        endpoint,
        merchant=merchant,
        mode=mode,
        before={} if before is None else endpoint_view(before),
        after={} if after is None else endpoint_view(after),
    )


def _resealed(vault: Vault, merchant: MerchantId, endpoint: str, mode: str, old: bytes) -> bytes | None:
    """The old secret sealed for the other column, because a sealed value opens only where it belongs.

    None when it does not open: nothing was signed with it either, and a rotation is the way out.
    """
    try:
        opened = vault.open(old, secret_place(merchant, endpoint, mode))
    except CannotOpen:
        return None
    return vault.seal(opened, previous_secret_place(merchant, endpoint, mode))


def _found(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise EndpointNotFound
    return endpoint
