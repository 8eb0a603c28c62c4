"""People are made and helped by whoever runs the gateway, and `quickkub user` is how."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from quickkub.access.login import Begun, LoginRefused
from quickkub.access.permissions import Role
from quickkub.access.user_office import UserExists, UserOffice
from quickkub.access.users import UserNotFound, user_by_id
from quickkub.cli.app import build
from quickkub.house.wiring import HouseWiring
from quickkub.storage import Database
from tests.support.postgres import TestServer
from tests.support.shop import VAULT
from tests.support.signing_in import HERE, PASSWORD, People


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


@pytest.fixture
def office(database: Database) -> UserOffice:
    return UserOffice(database, VAULT)


async def test_the_first_operator_chooses_a_password_by_letter_and_may_only_enrol(
    people: People, office: UserOffice
) -> None:
    await office.add("first@example.com", name="First", locale="en", operator=Role.SECURITY_ADMIN)
    with pytest.raises(LoginRefused):
        await people.access.login.with_password("first@example.com", "", HERE)
    await people.unlocks()
    (letter,) = await people.mail_goes_out()
    assert (letter.to, letter.subject) == ("first@example.com", "QuickKub: Choose a new password")
    await people.access.accounts.reset_password(people.postbox.token(), PASSWORD)
    begun = await people.access.login.with_password("first@example.com", PASSWORD, HERE)
    assert isinstance(begun, Begun)
    assert (await people.here(begun.token.reveal())).may_only_enrol


async def test_one_address_is_one_account(people: People, office: UserOffice) -> None:
    user = await people.person()
    with pytest.raises(UserExists):
        await office.add(user.email.upper(), name="Again", locale="th")


async def test_a_part_on_the_platform_is_given_and_taken_and_written_down(
    people: People, office: UserOffice
) -> None:
    user = await people.person()
    await office.set_operator(user.email, Role.RISK)
    await office.set_operator(user.email, None)
    async with people.db.read() as reader:
        now = await user_by_id(reader, user.id)
    assert now is not None and now.operator_role is None
    changes: list[dict[str, Any]] = [entry["details"] for entry in await people.acts("operator.changed")]
    assert [(one["before"]["role"], one["after"]["role"]) for one in changes] == [
        (None, "risk"),
        ("risk", None),
    ]


async def test_somebody_who_lost_telephone_and_paper_is_helped_back_in(
    people: People, office: UserOffice
) -> None:
    user, secret, _ = await people.person_with_app()
    token = await people.signs_in(user, code=people.code(secret))
    assert await office.drop_second_factor(user.email)
    assert await people.access.sessions.find(token) is None
    assert await people.signs_in(user)
    assert not await office.drop_second_factor(user.email)
    assert [letter.to for letter in await people.mail_goes_out()] == [user.email] * 2


async def test_nobody_is_changed_for_an_address_without_an_account(office: UserOffice) -> None:
    for refused in (
        office.set_operator("nobody@example.com", Role.RISK),
        office.set_state("nobody@example.com", "disabled"),
        office.drop_second_factor("nobody@example.com"),
    ):
        with pytest.raises(UserNotFound):
            await refused


@pytest.fixture
def dsn(postgres_server: TestServer, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database for commands, which run loops of their own; secrets are made in a folder of this test's."""
    monkeypatch.setenv("QUICKKUB_DATA_DIR", str(tmp_path))
    with asyncio.Runner() as runner:
        fresh = postgres_server.fresh_database()
        yield runner.run(fresh.__aenter__())
        runner.run(fresh.__aexit__(None, None, None))


def says(dsn: str, *words: str) -> Result:
    return CliRunner().invoke(build(HouseWiring()), ["user", *words, "--database", dsn])


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_the_command_makes_people_and_says_no_in_words(dsn: str) -> None:
    made = CliRunner().invoke(build(HouseWiring()), ["merchant", "create", "Somtam", "--database", dsn])
    merchant = made.output.split()[1]
    told = says(dsn, "add", "suda@example.com", "--name", "สุดา", "--operator", "risk", "--owner-of", merchant)
    assert told.exit_code == 0, told.output
    user = told.output.split()[1]
    assert rows(dsn, "SELECT id, email, locale, operator_role FROM users") == [
        (user, "suda@example.com", "th", "risk")
    ]
    assert rows(dsn, "SELECT merchant_id, user_id, role FROM members") == [(merchant, user, "owner")]
    assert says(dsn, "add", "suda@example.com", "--name", "x").exit_code == 1
    assert "user_exists" in says(dsn, "add", "Suda@example.com", "--name", "x").output
    assert "email_invalid" in says(dsn, "add", "nonsense", "--name", "x").output
    assert says(dsn, "add", "b@example.com", "--name", "x", "--operator", "owner").exit_code == 2
    assert says(dsn, "add", "b@example.com", "--name", "x", "--owner-of", "shop").exit_code == 2
    for words in (("operator", "suda@example.com", "none"), ("disable", "suda@example.com")):
        assert says(dsn, *words).exit_code == 0
    assert rows(dsn, "SELECT operator_role, state FROM users") == [(None, "disabled")]
    assert says(dsn, "enable", "suda@example.com").exit_code == 0
    assert "second_factor_off" in says(dsn, "drop-second-factor", "suda@example.com").output
    assert "user_not_found" in says(dsn, "disable", "nobody@example.com").output
    actors = {row[0] for row in rows(dsn, "SELECT actor_id FROM audit_logs WHERE resource_type = 'user'")}
    assert actors == {"quickkub user"}
