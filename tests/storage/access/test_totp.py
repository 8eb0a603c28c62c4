"""Second factors: a code is good once, whoever else has it and however many use it at once."""

from __future__ import annotations

import asyncio

import pytest

from quickkub.access.lockout import LoginLocked
from quickkub.access.login import CodeRefused, LoginRefused
from quickkub.access.second_factor import EnrolmentRefused, SecondFactorOff
from quickkub.access.sessions import SecondFactorRequired, StepUpRequired
from quickkub.access.users import User
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from tests.support.signing_in import ELSEWHERE, HERE, PASSWORD, People

STEP = 30


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


async def outcomes(*logins: object) -> list[str]:
    """How logins at the same time end, sorted."""
    ends = await asyncio.gather(*logins, return_exceptions=True)  # type: ignore[call-overload]
    return sorted(type(end).__name__ if isinstance(end, BaseException) else "in" for end in ends)


async def test_with_an_app_a_password_is_only_half_of_a_login(people: People) -> None:
    user, secret, _ = await people.person_with_app()
    challenge = await people.challenged(user)
    assert await people.access.sessions.find(challenge) is None
    here = await people.here(await people.answers(challenge, people.code(secret)))
    assert (here.second_factor, here.second_factor_is_on) == (True, True)
    ways = [entry["details"]["after"]["way"] for entry in await people.acts("login.done")]
    assert ways == ["password", "totp"]


async def test_the_code_that_turned_it_on_is_spent(people: People) -> None:
    user = await people.person()
    secret, _, _ = await people.enrols(await people.signs_in(user))
    with pytest.raises(CodeRefused):
        await people.answers(await people.challenged(user), people.code(secret))


async def test_a_code_is_not_taken_twice_in_its_step(people: People) -> None:
    user, secret, _ = await people.person_with_app()
    code = people.code(secret)
    await people.answers(await people.challenged(user), code)
    for later in (0, 10, STEP):
        people.clock.moves(later)
        with pytest.raises(CodeRefused):
            await people.answers(await people.challenged(user), code)


async def test_of_two_logins_with_one_code_one_is_let_in(people: People) -> None:
    user, secret, _ = await people.person_with_app()
    code = people.code(secret)
    challenges = [await people.challenged(user) for _ in range(2)]
    assert await outcomes(*(people.answers(one, code) for one in challenges)) == ["CodeRefused", "in"]


async def test_of_two_logins_with_one_recovery_code_one_is_let_in(people: People) -> None:
    user, _, codes = await people.person_with_app()
    challenges = [await people.challenged(user) for _ in range(2)]
    assert await outcomes(*(people.answers(one, codes[0]) for one in challenges)) == ["CodeRefused", "in"]
    assert len(await people.acts("recovery_code.used")) == 1


async def test_of_two_answers_to_one_challenge_one_is_let_in(people: People) -> None:
    user, secret, codes = await people.person_with_app()
    challenge = await people.challenged(user)
    both = (people.answers(challenge, people.code(secret)), people.answers(challenge, codes[0]))
    assert await outcomes(*both) == ["CodeRefused", "in"]


async def test_after_a_newer_code_an_older_one_is_not_taken(people: People) -> None:
    user, secret, _ = await people.person_with_app()
    older, newer = people.code(secret), people.code(secret, steps=1)
    await people.answers(await people.challenged(user), newer)
    with pytest.raises(CodeRefused):
        await people.answers(await people.challenged(user), older)


@pytest.mark.parametrize(("steps", "taken"), [(-1, True), (1, True), (-2, False), (2, False)])
async def test_a_clock_may_be_off_by_one_step(people: People, steps: int, taken: bool) -> None:
    user, secret, _ = await people.person_with_app()
    people.clock.moves(5 * STEP)
    challenge = await people.challenged(user)
    if taken:
        assert await people.answers(challenge, people.code(secret, steps=steps))
    else:
        with pytest.raises(CodeRefused):
            await people.answers(challenge, people.code(secret, steps=steps))


async def test_each_recovery_code_is_good_once_in_any_spelling(people: People) -> None:
    user, _, codes = await people.person_with_app()
    assert len(codes) == 10
    for code in codes[:2]:
        assert await people.answers(await people.challenged(user), code.upper().replace("-", " "))
        with pytest.raises(CodeRefused):
            await people.answers(await people.challenged(user), code)


async def test_recovery_codes_are_their_owners(people: People) -> None:
    _, _, codes = await people.person_with_app()
    suda, _, _ = await people.person_with_app("suda@example.com")
    with pytest.raises(CodeRefused):
        await people.answers(await people.challenged(suda), codes[0])


async def test_nothing_that_was_shown_is_stored_as_it_is(people: People) -> None:
    _, secret, codes = await people.person_with_app()
    async with people.db.read() as reader:
        factor = await reader.fetchval("SELECT second_factors::text FROM second_factors")
        paper = await reader.fetchval("SELECT string_agg(recovery_codes::text, ' ') FROM recovery_codes")
        logged = await reader.fetchval("SELECT string_agg(audit_logs::text, ' ') FROM audit_logs")
    for kept in (factor, paper, logged):
        for shown in (secret.reveal(), secret.reveal().encode().hex(), *codes):
            assert shown not in kept


async def test_a_challenge_ends_after_five_wrong_codes(people: People) -> None:
    user, secret, _ = await people.person_with_app()
    challenge = await people.challenged(user)
    for _ in range(5):
        with pytest.raises(CodeRefused):
            await people.answers(challenge, "000000")
        await people.unlocks()
    with pytest.raises(CodeRefused):
        await people.answers(challenge, people.code(secret))


async def test_a_challenge_ends_after_five_minutes(people: People) -> None:
    user, secret, _ = await people.person_with_app()
    challenge = await people.challenged(user)
    async with people.db.transaction() as tx:
        await tx.execute("UPDATE login_challenges SET ends_at = now()")
    with pytest.raises(CodeRefused):
        await people.answers(challenge, people.code(secret))


async def test_wrong_codes_lock_the_account_for_all_networks_and_challenges(people: People) -> None:
    user, secret, _ = await people.person_with_app()
    for _ in range(5):
        with pytest.raises(CodeRefused):
            await people.answers(await people.challenged(user), "000000")
    challenge = await people.challenged(user, ELSEWHERE)
    with pytest.raises(LoginLocked):
        await people.access.login.with_code(challenge, people.code(secret), ELSEWHERE)
    await people.unlocks()
    begun = await people.access.login.with_code(challenge, people.code(secret), ELSEWHERE)
    assert (await people.here(begun.token.reveal())).user_id == user.id


async def test_a_step_up_asks_for_password_and_code(people: People) -> None:
    user, secret, _ = await people.person_with_app()
    token = await people.signs_in(user, code=people.code(secret))
    people.clock.moves(STEP)
    here = await people.here(token)
    code = people.code(secret)
    with pytest.raises(CodeRefused):
        await people.access.login.step_up(here, PASSWORD, None, HERE)
    with pytest.raises(LoginRefused):
        await people.access.login.step_up(here, "wrong, but long enough", code, HERE)
    assert await people.access.login.step_up(here, PASSWORD, code, HERE)


async def test_a_session_from_before_the_app_has_to_show_it(people: People) -> None:
    user = await people.person()
    older, newer = await people.signs_in(user), await people.signs_in(user)
    secret, _, _ = await people.enrols(newer)
    people.roles[user.id] = ["owner"]
    before = await people.here(older)
    assert before.may_only_enrol
    with pytest.raises(SecondFactorRequired):
        await people.access.second_factor.enrol(before)
    people.clock.moves(STEP)
    token = await people.access.login.step_up(before, PASSWORD, people.code(secret), HERE)
    assert not (await people.here(token.reveal())).may_only_enrol


async def test_turning_it_on_asks_for_a_fresh_password(people: People) -> None:
    token = await people.signs_in(await people.person())
    await people.ages(301, "stepped_up_at")
    with pytest.raises(StepUpRequired):
        await people.access.second_factor.enrol(await people.here(token))


@pytest.mark.parametrize("code", ["000000", "", "abcdef"])
async def test_it_is_not_on_before_a_code_was_shown(people: People, code: str) -> None:
    user = await people.person()
    token = await people.signs_in(user)
    await people.access.second_factor.enrol(await people.here(token))
    with pytest.raises(EnrolmentRefused):
        await people.access.second_factor.confirm(await people.here(token), code)
    assert await people.signs_in(user)


async def test_a_secret_that_was_shown_an_hour_ago_cannot_be_confirmed(people: People) -> None:
    token = await people.signs_in(await people.person())
    shown = await people.access.second_factor.enrol(await people.here(token))
    async with people.db.transaction() as tx:
        await tx.execute("UPDATE second_factors SET pending_at = now() - interval '61 minutes'")
    with pytest.raises(EnrolmentRefused):
        await people.access.second_factor.confirm(await people.here(token), people.code(shown.secret))


async def test_a_new_telephone_replaces_the_old_one_only_when_it_is_confirmed(people: People) -> None:
    user, old, _ = await people.person_with_app()
    token = await people.signs_in(user, code=people.code(old))
    shown = await people.access.second_factor.enrol(await people.here(token))
    people.clock.moves(STEP)
    assert await people.signs_in(user, code=people.code(old))
    people.clock.moves(STEP)
    await people.access.second_factor.confirm(await people.here(token), people.code(shown.secret))
    people.clock.moves(STEP)
    with pytest.raises(CodeRefused):
        await people.signs_in(user, code=people.code(old))
    assert await people.signs_in(user, code=people.code(shown.secret))


async def in_with_app(people: People) -> tuple[User, Secret, str]:
    user, secret, _ = await people.person_with_app()
    token = await people.signs_in(user, code=people.code(secret))
    people.clock.moves(STEP)
    return user, secret, token


async def test_it_can_be_taken_off_where_no_role_needs_it(people: People) -> None:
    user, _, token = await in_with_app(people)
    await people.access.second_factor.disable(await people.here(token))
    assert await people.signs_in(user)
    assert await people.counts("recovery_codes") == 0
    with pytest.raises(SecondFactorOff):
        await people.access.second_factor.disable(await people.here(token))
    assert len(await people.acts("second_factor.turned_off")) == 1
    letters = await people.mail_goes_out()
    assert {one.subject for one in letters} == {"QuickKub: Your second factor was changed"}


async def test_who_may_touch_money_keeps_it(people: People) -> None:
    user, _, token = await in_with_app(people)
    people.roles[user.id] = ["finance"]
    with pytest.raises(SecondFactorRequired):
        await people.access.second_factor.disable(await people.here(token))


async def test_new_recovery_codes_make_the_old_ones_void(people: People) -> None:
    user, _, old = await people.person_with_app()
    token = await people.answers(await people.challenged(user), old[0])
    new = await people.access.second_factor.new_recovery_codes(await people.here(token))
    assert set(new).isdisjoint(old)
    with pytest.raises(CodeRefused):
        await people.answers(await people.challenged(user), old[1])
    assert await people.answers(await people.challenged(user), new[0])


async def test_recovery_codes_and_taking_it_off_ask_for_a_step_up(people: People) -> None:
    _, _, token = await in_with_app(people)
    await people.ages(301, "stepped_up_at")
    here = await people.here(token)
    with pytest.raises(StepUpRequired):
        await people.access.second_factor.new_recovery_codes(here)
    with pytest.raises(StepUpRequired):
        await people.access.second_factor.disable(here)
