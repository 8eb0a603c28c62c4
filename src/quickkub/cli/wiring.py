"""What a command needs from the rest of the program; main.py puts it into the context's `obj`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

from quickkub.audit.anchoring import AnchorPlace
from quickkub.cli.gateway import Gateway
from quickkub.storage.resealing import Resealed, Tried
from quickkub.storage.resealing_inventory import KeyEntry
from quickkub.storage.vault.ring import RingKey

if TYPE_CHECKING:
    from quickkub.access.oauth.service import TokenOffice
    from quickkub.access.user_office import UserOffice
    from quickkub.merchants.office import MerchantOffice
    from quickkub.privacy.service import Privacy
    from quickkub.reports.drills import Drill
    from quickkub.reports.office import ReportOffice


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether an account works at its provider; `told` is for a person and holds no secret."""

    works: bool
    told: str


@dataclass(frozen=True, slots=True)
class AddedAccount:
    """An account that was tried and stored: its id, where its callbacks go, and what the provider said."""

    id: str
    callback_url: str
    told: str


@dataclass(frozen=True, slots=True)
class ConfigFinding:
    """A setting that is weak, missing or malformed, and the command or the words that mend it.

    Holds no value of a secret.
    """

    setting: str
    problem: str
    remedy: str


class PagesWatched(Protocol):
    """What a look at payers' pages found; `outcome` is `same`, `different` or `unreached`."""

    @property
    def address(self) -> str: ...

    @property
    def pages(self) -> tuple[str, ...]: ...

    @property
    def answers(self) -> int: ...

    @property
    def differences(self) -> tuple[str, ...]: ...

    @property
    def unreached(self) -> str | None: ...

    @property
    def outcome(self) -> str: ...


class KeyOffice(Protocol):
    """The key ring and the values it seals; `quickkub.house.keys` says what each does and refuses."""

    async def list(self) -> Sequence[KeyEntry]: ...

    async def add(self, *, standby: bool = False) -> RingKey: ...

    async def activate(self, number: int) -> RingKey: ...

    async def rotate(self, *, batch: int, told: Callable[[Resealed], None] | None = None) -> Resealed: ...

    async def retire(self, number: int) -> RingKey: ...

    async def check(self, *, sample: int | None) -> Sequence[Tried]: ...


class DrillOffice(Protocol):
    """Restore drills; `quickkub.house.drilling` says what each does and refuses."""

    async def restore(self, inside: Path, *, backup: Path | None, archive: Path | None) -> Drill: ...

    async def write(self, drill: Drill) -> str: ...


class Wiring(Protocol):
    """The program as the commands see it."""

    def database_dsn(self, explicit: str | None) -> AbstractContextManager[str]:
        """The database to work on: the one named, or DATABASE_URL, or the data folder's own server, which is
        started for as long as the context lasts if it is not running.
        """
        ...

    def data_dir(self) -> Path:
        """Where data lives unless a command was told otherwise."""
        ...

    def gateway(
        self, *, port: int | None, host: str | None, data_dir: Path | None, simulators: bool
    ) -> Gateway:
        """The gateway `quickkub up` is to run; what is None comes from the environment or is the default.

        Raises the refusals of reading the settings.
        """
        ...

    def migrate(self, dsn: str) -> str:
        """Bring the database to the newest schema; returns its revision."""
        ...

    def seed_methods(self, dsn: str) -> int:
        """Write the Thai payment methods; returns how many there are."""
        ...

    def anchor_place(self) -> AnchorPlace:
        """Where this installation anchors its audit log, and with which key."""
        ...

    def serve(self, part: str) -> None:
        """Run one process of a gateway until it is told to stop."""
        ...

    def simulators(
        self, names: Sequence[str], *, host: str, port: int | None, callback: str | None, as_json: bool
    ) -> None:
        """Serve the named providers' simulators, or all, until Ctrl-C; `port` is for one of them alone.

        `callback` is where their callbacks go unless another address is registered. Raises UnknownProvider.
        """
        ...

    def check_account(self, name: str, said: Mapping[str, str], *, mode: str) -> CheckResult:
        """Try an account's settings and credentials at the provider.

        Raises BadParticulars, CannotCheck, UnknownProvider.
        """
        ...

    def check_stored_account(self, name: str, merchant: str, account: str, dsn: str) -> CheckResult:
        """Try an account of the database. Raises NoSuchAccount, CannotCheck."""
        ...

    def add_account(
        self, name: str, merchant: str, said: Mapping[str, str], *, mode: str, dsn: str
    ) -> AddedAccount:
        """Try an account at the provider, and store it, its credentials sealed, only if it works.

        Raises BadParticulars, CannotCheck, DoesNotWork, MerchantNotFound; nothing is written then.
        """
        ...

    def key_office(self, dsn: str) -> AbstractAsyncContextManager[KeyOffice]:
        """The key ring of this installation with the values of a database.

        Raises WeakKey, RingUnreadable, DatabaseAway.
        """
        ...

    def token_office(self, dsn: str) -> AbstractAsyncContextManager[TokenOffice]:
        """The keys that sign access tokens, and programs that are let in. Raises WeakKey, DatabaseAway."""
        ...

    def merchant_office(self, dsn: str) -> AbstractAsyncContextManager[MerchantOffice]:
        """Merchants and their API keys. Raises DatabaseAway."""
        ...

    def user_office(self, dsn: str) -> AbstractAsyncContextManager[UserOffice]:
        """People who sign in. Raises WeakKey, DatabaseAway."""
        ...

    def privacy_office(self, dsn: str) -> AbstractAsyncContextManager[Privacy]:
        """People's data. Raises WeakKey, RetentionTooShort, DatabaseAway."""
        ...

    def report_office(self, dsn: str) -> AbstractAsyncContextManager[ReportOffice]:
        """Reports and evidence. Raises WeakKey, RingUnreadable, DatabaseAway."""
        ...

    def watch_pages(self, dsn: str, address: str | None) -> PagesWatched:
        """Look at payers' pages now, at the public address unless told otherwise. Raises DatabaseAway."""
        ...

    def drill_office(self, dsn: str) -> AbstractAsyncContextManager[DrillOffice]:
        """Restore drills over a database. Raises DatabaseAway."""
        ...

    def config_findings(self) -> list[ConfigFinding]:
        """Everything that is weak, missing or malformed in the settings. Writes nothing and asks nobody."""
        ...

    def demo(self, *, keep: bool, all_providers: bool) -> int:
        """Play the whole story of a payment, or one of each provider, on a throw-away data folder.

        Returns the exit status.
        """
        ...


def wiring_of(context: typer.Context) -> Wiring:
    """What main.py put into the context. A command started without it is a bug."""
    wiring: Wiring | None = context.obj
    if wiring is None:
        raise RuntimeError("the command was started without its wiring")
    return wiring
