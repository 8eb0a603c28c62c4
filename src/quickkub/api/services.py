"""What the API needs from the rooms below, put together by main.py.

`Payments` names the few calls that are made to payments.service.Payments, so that this room can be read
without opening the other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from quickkub.access.service import Access
from quickkub.api.auth_routes.oauth_desk import OAuthDesk
from quickkub.api.clients import Clients
from quickkub.api.limits.desk import Limits
from quickkub.connectors.contract import Account, CallbackAnswer, RawCallback
from quickkub.disputes.service import Disputes
from quickkub.fraud.service import Fraud
from quickkub.kernel.clock import Clock, SystemClock
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import Caller, Keys
from quickkub.payments.model import Answered, ListQuery, NewPayment, Page
from quickkub.payments.routes.service import Routes
from quickkub.payments.slips import Slips
from quickkub.payments.view import Render
from quickkub.privacy.service import Privacy
from quickkub.refunds.service import Refunds
from quickkub.storage import Database
from quickkub.storage.idempotency import Once
from quickkub.storage.vault import Vault
from quickkub.webhooks.guard import Guard


class Payments(Protocol):
    """payments.service.Payments, as far as the API uses it."""

    routes: Routes
    slips: Slips

    async def create(self, asked: NewPayment, once: Once, render: Render) -> Answered: ...

    async def cancel(self, payment: str, once: Once, render: Render) -> Answered: ...

    async def capture(
        self, payment: str, amount: Money | None, once: Once, render: Render, *, is_last: bool = True
    ) -> Answered: ...

    async def void(self, payment: str, once: Once, render: Render) -> Answered: ...

    async def get(
        self, merchant: MerchantId, mode: str, payment: str, *, with_attempts: bool = False
    ) -> Mapping[str, Any]: ...

    async def page(
        self, merchant: MerchantId, mode: str, query: ListQuery, *, with_attempts: bool = False
    ) -> Page: ...

    async def cases(
        self, merchant: MerchantId, mode: str, limit: int, starting_after: str | None
    ) -> Page: ...

    async def keep_callback(self, provider: str, token: str, raw: RawCallback) -> CallbackAnswer: ...


class Tokens(Protocol):
    """Access tokens, as far as /v1 takes them beside API keys."""

    async def caller(self, token: str) -> Caller:
        """The caller behind a token. Raises KeyRefused for every token that is not good, MerchantInactive."""
        ...


@dataclass(frozen=True, slots=True)
class Tried:
    """Whether an account works at its provider; `told` is for a person and holds no secret."""

    works: bool
    told: str


async def _never_tried(_: Account) -> Tried:
    return Tried(works=False, told="cannot be tried here")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the edge has to know. `public_url` has no slash at its end."""

    public_url: str
    version: str
    schema_revision: str
    metrics_token: Secret | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the routes use."""

    db: Database
    vault: Vault
    keys: Keys
    payments: Payments
    refunds: Refunds
    disputes: Disputes
    guard: Guard
    settings: Settings
    provider_health: Callable[[], Mapping[str, str]] = dict
    """Each provider in use and "healthy" or "degraded", from what the line to it has seen lately."""
    clock: Clock = field(default_factory=SystemClock)
    access: Access | None = None
    """People signing in. Without it there are no routes of theirs."""
    check_account: Callable[[Account], Awaitable[Tried]] = _never_tried
    """Asks a provider whether an account works; no transaction may be open."""
    tokens: Tokens | None = None
    """Without it, only API keys are taken."""
    oauth: OAuthDesk | None = None
    """The OAuth2 server, with who is signed in and the pages they see."""
    clients: Clients = field(default_factory=Clients)
    """Whose word about where a request comes from is taken; by itself nobody's."""
    fraud_desk: Fraud | None = None
    """Without it nobody asks about fraud, which only tests want."""
    privacy_desk: Privacy | None = None
    """Without it nobody asks about people's data, which only tests want."""
    limits: Limits | None = None
    """How much may be asked. Without it nothing is limited, which only tests want."""

    @property
    def privacy(self) -> Privacy:
        """The counter of the privacy room."""
        assert self.privacy_desk is not None, "the house puts one in"
        return self.privacy_desk

    @property
    def fraud(self) -> Fraud:
        """The counter of the fraud room."""
        assert self.fraud_desk is not None, "the house puts one in"
        return self.fraud_desk
