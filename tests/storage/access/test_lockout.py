"""Wrong tries cost time, more each time, and tell nobody whether there is such an account."""

from __future__ import annotations

import asyncio

import pytest

from quickkub.access.lockout import LoginLocked
from quickkub.access.login import LoginRefused
from quickkub.access.users import User
from quickkub.storage import Database
from tests.support.signing_in import ELSEWHERE, HERE, PASSWORD, People

WRONG = "wrong, but long enough"


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


async def tries(people: People, user: User, times: int) -> list[type[Exception]]:
    """How so many wrong tries end."""
    ends: list[type[Exception]] = []
    for _ in range(times):
        with pytest.raises((LoginRefused, LoginLocked)) as refused:
            await people.signs_in(user, WRONG)
        ends.append(refused.type)
    return ends


async def test_locks_grow_with_every_wrong_try_and_end_by_themselves(people: People) -> None:
    user = await people.person()
    assert await tries(people, user, 6) == [LoginRefused] * 5 + [LoginLocked]
    locked = []
    for _ in range(3):
        await people.unlocks()
        assert await tries(people, user, 1) == [LoginRefused]
        with pytest.raises(LoginLocked) as refused:
            await people.signs_in(user)
        assert refused.value.retry_after is not None
        locked.append(refused.value.retry_after)
    assert locked == [pytest.approx(seconds, abs=5) for seconds in (60, 120, 240)]
    await people.unlocks()
    assert await people.signs_in(user)


async def test_while_it_is_locked_even_the_right_password_is_not_looked_at(people: People) -> None:
    user = await people.person()
    await tries(people, user, 5)
    before = people.hashing.work_done
    with pytest.raises(LoginLocked):
        await people.signs_in(user)
    assert people.hashing.work_done == before


async def test_a_right_password_forgets_the_wrong_ones_before(people: People) -> None:
    user = await people.person()
    await tries(people, user, 4)
    await people.signs_in(user)
    assert await tries(people, user, 5) == [LoginRefused] * 5


async def test_a_lock_holds_for_one_network_and_one_account(people: People) -> None:
    user, other = await people.person(), await people.person("suda@example.com")
    await tries(people, user, 6)
    assert await people.signs_in(user, visit=ELSEWHERE)
    assert await people.signs_in(other)


async def test_an_address_without_an_account_is_locked_alike(people: People) -> None:
    user = await people.person()
    nobody = User("usr_0", "nobody@example.com", "", "en", "active", None, None, None, user.created_at)
    assert await tries(people, nobody, 6) == await tries(people, user, 6)


async def test_other_spellings_of_an_address_are_the_same_account(people: People) -> None:
    user = await people.person()
    for spelling in (
        "Somchai@example.com",
        " somchai@EXAMPLE.com",
        "SOMCHAI@example.com",
        "somchai@example.com",
    ):
        with pytest.raises(LoginRefused):
            await people.access.login.with_password(spelling, WRONG, HERE)
    await tries(people, user, 1)
    with pytest.raises(LoginLocked):
        await people.signs_in(user)


async def test_of_many_tries_at_once_five_are_looked_at(people: People) -> None:
    user = await people.person()
    before = people.hashing.work_done
    ends = await asyncio.gather(
        *(people.access.login.with_password(user.email, WRONG, HERE) for _ in range(20)),
        return_exceptions=True,
    )
    assert sorted(type(end).__name__ for end in ends) == ["LoginLocked"] * 15 + ["LoginRefused"] * 5
    assert people.hashing.work_done - before == 5


async def test_wrong_tries_and_locks_are_written_down_without_the_address(people: People) -> None:
    user = await people.person()
    await tries(people, user, 6)
    refused, locked = await people.acts("login.refused"), await people.acts("login.locked")
    assert [entry["details"]["after"]["failures"] for entry in refused] == [1, 2, 3, 4, 5]
    assert {(entry["resource_id"], entry["outcome"]) for entry in refused} == {(user.id, "refused")}
    assert [entry["details"]["after"]["seconds"] for entry in locked] == [30]
    assert user.email not in str(refused) + str(locked)
    assert PASSWORD not in str(refused)
    assert WRONG not in str(refused)


async def test_what_was_tried_long_ago_no_longer_counts(people: People) -> None:
    user = await people.person()
    await tries(people, user, 4)
    async with people.db.transaction() as tx:
        await tx.execute("UPDATE failed_logins SET last_at = now() - interval '25 hours'")
    assert await tries(people, user, 5) == [LoginRefused] * 5
