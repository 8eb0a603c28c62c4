"""Sessions end by idling, by age and by hand, and a new one never grows out of an old one."""

from __future__ import annotations

import pytest

from quickkub.access.login import LoginRefused
from quickkub.access.permissions import Role
from quickkub.access.sessions import (
    SecondFactorRequired,
    SessionMissing,
    SessionNotFound,
    StepUpRequired,
    require_full,
    require_step_up,
)
from quickkub.access.users import set_state
from quickkub.privacy import retention_store
from quickkub.privacy.periods import read_periods
from quickkub.privacy.retention_rules import RULES
from quickkub.storage import Database
from tests.support.signing_in import ELSEWHERE, PASSWORD, People

MINUTE = 60
HOUR = 3600


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


async def test_a_password_begins_a_session(people: People) -> None:
    user = await people.person()
    here = await people.here(await people.signs_in(user))
    assert (here.user_id, here.second_factor, here.may_only_enrol) == (user.id, False, False)
    (entry,) = await people.acts("login.done")
    assert (entry["actor_kind"], entry["actor_id"], entry["resource_id"]) == ("user", user.id, user.id)


async def test_neither_the_token_nor_a_part_of_it_is_stored(people: People) -> None:
    token = await people.signs_in(await people.person())
    async with people.db.read() as reader:
        stored = await reader.fetchval("SELECT row_to_json(sessions)::text FROM sessions")
    assert token not in stored
    assert token[:12] not in stored


@pytest.mark.parametrize("token", [None, "", "x", "x" * 43, "x" * 44, "ก" * 43, "\ud800" * 43])
async def test_what_is_no_token_is_nobody(people: People, token: str | None) -> None:
    assert await people.access.sessions.find(token) is None


async def test_a_session_idles_for_twelve_hours_and_no_longer(people: People) -> None:
    token = await people.signs_in(await people.person())
    await people.ages(12 * HOUR - 10, "last_seen_at")
    assert await people.access.sessions.find(token) is not None
    # It was seen just now.
    await people.ages(11 * HOUR, "last_seen_at")
    assert await people.access.sessions.find(token) is not None
    await people.ages(12 * HOUR, "last_seen_at")
    assert await people.access.sessions.find(token) is None


@pytest.mark.parametrize("role", ["owner", "admin", "finance"])
async def test_whoever_may_touch_money_idles_for_fifteen_minutes(people: People, role: str) -> None:
    user = await people.person()
    token = await people.signs_in(user)
    people.roles[user.id] = ["viewer", role]
    await people.ages(15 * MINUTE - 10, "last_seen_at")
    assert await people.access.sessions.find(token) is not None
    await people.ages(15 * MINUTE, "last_seen_at")
    assert await people.access.sessions.find(token) is None
    assert await people.access.sessions.of_user(user.id) == []


async def test_after_twelve_hours_even_a_busy_session_ends(people: People) -> None:
    token = await people.signs_in(await people.person())
    await people.ages(12 * HOUR - 10, "created_at", "ends_at")
    assert await people.access.sessions.find(token) is not None
    await people.ages(11, "created_at", "ends_at")
    assert await people.access.sessions.find(token) is None


async def test_a_wrong_clock_of_ours_neither_ends_nor_keeps_a_session(people: People) -> None:
    token = await people.signs_in(await people.person())
    people.clock.moves(30 * HOUR)
    assert await people.access.sessions.find(token) is not None


async def test_a_login_ends_the_session_that_came_along(people: People) -> None:
    user, attacker = await people.person(), await people.person("attacker@example.com")
    planted = await people.signs_in(attacker)
    begun = await people.access.login.with_password(user.email, PASSWORD, ELSEWHERE, replaces=planted)
    assert begun.token.reveal() != planted
    assert await people.access.sessions.find(planted) is None
    assert (await people.here(begun.token.reveal())).user_id == user.id
    (entry,) = await people.acts("session.ended")
    assert entry["details"]["after"] == {"because": "another login"}


async def test_ending_ones_other_sessions_leaves_programs_what_they_were_given(people: People) -> None:
    user = await people.person()
    mine, other = await people.signs_in(user), await people.signs_in(user)
    async with people.db.transaction() as tx:
        here = (await people.here(mine)).session_id
        assert await people.access.sessions.end_all(tx, user.id, but=here) == 1
    assert await people.access.sessions.find(other) is None
    assert people.ended == []


async def test_showing_the_password_again_gives_the_session_another_token(people: People) -> None:
    token = await people.signs_in(await people.person())
    await people.ages(6 * MINUTE, "stepped_up_at")
    before = await people.here(token)
    with pytest.raises(StepUpRequired):
        require_step_up(before)
    renewed = await people.access.login.step_up(before, PASSWORD, None, ELSEWHERE)
    assert await people.access.sessions.find(token) is None
    after = await people.here(renewed.reveal())
    require_step_up(after)
    assert after.session_id == before.session_id
    assert after.csrf_token != before.csrf_token


async def test_a_step_up_lasts_five_minutes(people: People) -> None:
    token = await people.signs_in(await people.person())
    await people.ages(5 * MINUTE - 5, "stepped_up_at")
    require_step_up(await people.here(token))
    await people.ages(5, "stepped_up_at")
    with pytest.raises(StepUpRequired):
        require_step_up(await people.here(token))


async def test_a_wrong_password_steps_nothing_up(people: People) -> None:
    token = await people.signs_in(await people.person())
    await people.ages(6 * MINUTE, "stepped_up_at")
    here = await people.here(token)
    with pytest.raises(LoginRefused):
        await people.access.login.step_up(here, "wrong, but long enough", None, ELSEWHERE)
    assert (await people.here(token)).stepped_up_seconds >= 6 * MINUTE


async def test_an_ended_session_cannot_be_stepped_up(people: People) -> None:
    user = await people.person()
    here = await people.here(await people.signs_in(user))
    async with people.db.transaction() as tx:
        await people.access.sessions.end(tx, user.id, here.session_id)
    with pytest.raises(SessionMissing):
        await people.access.login.step_up(here, PASSWORD, None, ELSEWHERE)


async def test_one_ends_ones_own_sessions_and_nobody_elses(people: People) -> None:
    somchai, suda = await people.person(), await people.person("suda@example.com")
    first, second = await people.signs_in(somchai), await people.signs_in(somchai, visit=ELSEWHERE)
    other = await people.here(await people.signs_in(suda))
    listed = await people.access.sessions.of_user(somchai.id)
    assert [row["ip_address"] for row in listed] == ["198.51.100.9", "203.0.113.7"]
    async with people.db.transaction() as tx:
        with pytest.raises(SessionNotFound):
            await people.access.sessions.end(tx, somchai.id, other.session_id)
    gone = (await people.here(first)).session_id
    async with people.db.transaction() as tx:
        await people.access.sessions.end(tx, somchai.id, gone)
    assert await people.access.sessions.find(first) is None
    assert await people.access.sessions.find(second) is not None
    (entry,) = await people.acts("session.ended")
    assert entry["resource_id"] == gone


async def test_who_is_disabled_is_out_at_once_and_cannot_come_back(people: People) -> None:
    user = await people.person()
    token = await people.signs_in(user)
    async with people.db.transaction() as tx:
        await set_state(tx, user.id, "disabled")
    assert await people.access.sessions.find(token) is None
    with pytest.raises(LoginRefused):
        await people.signs_in(user)


@pytest.mark.parametrize("role", [role for role in Role if role.value in {"operator", "break_glass", "risk"}])
async def test_an_operator_without_a_second_factor_may_only_turn_one_on(people: People, role: Role) -> None:
    user = await people.person(operator=role)
    here = await people.here(await people.signs_in(user))
    assert here.may_only_enrol
    for refuses in (require_full, require_step_up):
        with pytest.raises(SecondFactorRequired):
            refuses(here)


async def test_a_role_given_during_a_session_counts_at_the_next_request(people: People) -> None:
    user = await people.person()
    token = await people.signs_in(user)
    assert not (await people.here(token)).may_only_enrol
    people.roles[user.id] = ["finance"]
    assert (await people.here(token)).may_only_enrol
    _, _, token = await people.enrols(token)
    assert not (await people.here(token)).may_only_enrol


async def test_an_ended_session_tells_for_a_year_who_was_there_and_then_goes(people: People) -> None:
    token = await people.signs_in(await people.person())
    await people.ages(364 * 24 * HOUR, "created_at", "ends_at")
    assert await people.access.sessions.find(token) is None
    (rule,) = (rule for rule in RULES if rule.name == "sessions")
    for days, left in ((364, 1), (366, 0)):
        async with people.db.transaction() as tx:
            assert await people.access.forget(100) == 0
            before = await retention_store.cutoff(tx, read_periods({})[rule.kind])
            keys = [row["id"] for row in await retention_store.due(tx, rule, before, None, 100)]
            await retention_store.let_go(tx, rule, [(key,) for key in keys])
        assert await people.counts("sessions") == left, days
        await people.ages(2 * 24 * HOUR, "created_at", "ends_at")
