"""What main.py gives to the commands: settings read, databases opened, processes started."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from quickkub.audit.anchoring import AnchorPlace
from quickkub.cli.gateway import Gateway, Welcome
from quickkub.cli.wiring import AddedAccount, CheckResult, ConfigFinding, DrillOffice, KeyOffice, PagesWatched
from quickkub.settings import Settings, default_data_dir, read_settings

if TYPE_CHECKING:
    from quickkub.access.oauth.service import TokenOffice
    from quickkub.access.user_office import UserOffice
    from quickkub.merchants.office import MerchantOffice
    from quickkub.privacy.service import Privacy
    from quickkub.reports.office import ReportOffice


class HouseWiring:
    """The program as the commands see it; heavy rooms are imported when a command needs them."""

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        """See cli.wiring.Wiring."""
        from quickkub.storage.embedded import borrowed_server

        named = explicit or os.environ.get("DATABASE_URL")
        if named:
            yield named
            return
        with borrowed_server(default_data_dir(os.environ) / "postgres") as server:
            yield server.dsn()

    def data_dir(self) -> Path:
        """See cli.wiring.Wiring."""
        return default_data_dir(os.environ)

    def gateway(
        self, *, port: int | None, host: str | None, data_dir: Path | None, simulators: bool
    ) -> Gateway:
        """See cli.wiring.Wiring."""
        from quickkub.house.demo_shop import simulator_ports

        settings = self._settings(port, host, data_dir)

        async def seed(dsn: str) -> Welcome:
            from quickkub.house.seeding import seed_everything

            return await seed_everything(settings, dsn)

        return Gateway(
            data_dir=settings.data_dir,
            database_url=settings.database_url,
            host=settings.host,
            port=settings.port,
            simulator_ports=simulator_ports(settings) if simulators else {},
            migrate=bring_up_to_date,
            seed=seed,
        )

    def migrate(self, dsn: str) -> str:
        """See cli.wiring.Wiring."""
        from quickkub.storage.migrate import migrate
        from quickkub.storage.schema import head_revision

        migrate(dsn)
        return head_revision()

    def seed_methods(self, dsn: str) -> int:
        """See cli.wiring.Wiring."""
        from quickkub.house.seeding import seed_methods

        return asyncio.run(seed_methods(dsn))

    def demo(self, *, keep: bool, all_providers: bool) -> int:
        """See cli.wiring.Wiring."""
        from quickkub.house import every_provider, story

        play = every_provider.play if all_providers else story.play
        return play(keep=keep)

    def simulators(
        self, names: Sequence[str], *, host: str, port: int | None, callback: str | None, as_json: bool
    ) -> None:
        """See cli.wiring.Wiring."""
        from quickkub.house.simulators_alone import serve_alone

        serve_alone(names, host=host, port=port, callback=callback, as_json=as_json)

    def check_account(self, name: str, said: Mapping[str, str], *, mode: str) -> CheckResult:
        """See cli.wiring.Wiring."""
        from quickkub.house.provider_check import check_particulars

        return asyncio.run(check_particulars(name, said, mode=mode))

    def check_stored_account(self, name: str, merchant: str, account: str, dsn: str) -> CheckResult:
        """See cli.wiring.Wiring."""
        from quickkub.house.provider_check import check_stored
        from quickkub.house.sealing import open_vault

        vault = open_vault(read_settings(os.environ))
        return asyncio.run(check_stored(name, merchant, account, dsn, vault))

    def add_account(
        self, name: str, merchant: str, said: Mapping[str, str], *, mode: str, dsn: str
    ) -> AddedAccount:
        """See cli.wiring.Wiring."""
        from quickkub.house.provider_account import add
        from quickkub.house.sealing import open_vault

        settings = read_settings(os.environ)
        vault, url = open_vault(settings), settings.public_url
        return asyncio.run(add(name, merchant, said, mode=mode, dsn=dsn, vault=vault, public_url=url))

    def key_office(self, dsn: str) -> AbstractAsyncContextManager[KeyOffice]:
        """See cli.wiring.Wiring."""
        from quickkub.house.keys import key_office
        from quickkub.house.sealing import open_ring

        return key_office(dsn, open_ring(read_settings(os.environ)))

    def token_office(self, dsn: str) -> AbstractAsyncContextManager[TokenOffice]:
        """See cli.wiring.Wiring."""
        from quickkub.house.tokens import token_office

        return token_office(dsn, read_settings(os.environ))

    def merchant_office(self, dsn: str) -> AbstractAsyncContextManager[MerchantOffice]:
        """See cli.wiring.Wiring."""
        from quickkub.house.merchant_office import merchant_office

        return merchant_office(dsn, read_settings(os.environ))

    def user_office(self, dsn: str) -> AbstractAsyncContextManager[UserOffice]:
        """See cli.wiring.Wiring."""
        from quickkub.house.user_office import user_office

        return user_office(dsn, read_settings(os.environ))

    def report_office(self, dsn: str) -> AbstractAsyncContextManager[ReportOffice]:
        """See cli.wiring.Wiring."""
        from quickkub.house.reporting import report_office

        return report_office(dsn, read_settings(os.environ))

    def privacy_office(self, dsn: str) -> AbstractAsyncContextManager[Privacy]:
        """See cli.wiring.Wiring."""
        from quickkub.house.privacy import privacy_office

        return privacy_office(dsn, read_settings(os.environ))

    def watch_pages(self, dsn: str, address: str | None) -> PagesWatched:
        """See cli.wiring.Wiring."""
        from quickkub.house.page_watch import watch_now
        from quickkub.house.reporting import machine_user

        return asyncio.run(watch_now(dsn, read_settings(os.environ), address, machine_user()))

    def drill_office(self, dsn: str) -> AbstractAsyncContextManager[DrillOffice]:
        """See cli.wiring.Wiring."""
        from quickkub.house.drilling import drill_office

        return drill_office(dsn)

    def config_findings(self) -> list[ConfigFinding]:
        """See cli.wiring.Wiring."""
        from quickkub.house.config_check import config_findings

        return config_findings(os.environ)

    def anchor_place(self) -> AnchorPlace:
        """See cli.wiring.Wiring."""
        from quickkub.house.auditing import audit_place

        return audit_place(read_settings(os.environ))

    def serve(self, part: str) -> None:
        """See cli.wiring.Wiring."""
        from quickkub.house.serve import serve, settings_or_end

        serve(part, settings_or_end(os.environ))

    @staticmethod
    def _settings(port: int | None, host: str | None, data_dir: Path | None) -> Settings:
        environment = dict(os.environ)
        if port is not None:
            environment["QUICKKUB_PORT"] = str(port)
        if host is not None:
            environment["QUICKKUB_HOST"] = host
        if data_dir is not None:
            environment["QUICKKUB_DATA_DIR"] = str(data_dir)
        return read_settings(environment)


def bring_up_to_date(dsn: str) -> None:
    """Migrate if there is anything to migrate; a restart does without the runner, which is slow to load."""
    from quickkub.storage.schema import is_newest

    if not asyncio.run(is_newest(dsn)):
        from quickkub.storage.migrate import migrate

        migrate(dsn)
