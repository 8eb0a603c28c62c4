"""Registering, confirming an address, forgetting a password and choosing a new one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from quickkub.access.accounts import LinkRefused, RegistrationClosed
from quickkub.access.emails import EmailInvalid
from quickkub.access.hashing import Cost, Hashing, Place
from quickkub.access.login import Begun, CodeRefused, EmailUnverified, LoginRefused
from quickkub.access.mail import Letter, MailNotSent
from quickkub.access.passwords import PasswordRefused
from quickkub.access.users import User, set_state
from quickkub.storage import Connection, Database
from tests.support.signing_in import HERE, PASSWORD, People

NEW = "seven grey herons at noon"


@pytest.fixture
def people(database: Database) -> People:
    return People(database, open_registration=True)


async def registers(people: People, email: str = "new@example.com", password: str = PASSWORD) -> None:
    await people.access.accounts.register(email, password, name="Suda Dee", locale="th")


async def asks_for_a_letter(people: People, user: User) -> str:
    """The token of a letter with which a new password can be chosen."""
    await people.access.accounts.forgot_password(user.email)
    await people.mail_goes_out()
    return people.postbox.token()


async def test_somebody_new_confirms_the_address_and_signs_in(people: People) -> None:
    await registers(people)
    (letter,) = await people.mail_goes_out()
    assert (letter.to, letter.subject) == ("new@example.com", "QuickKub: ยืนยันอีเมลของคุณ")
    with pytest.raises(EmailUnverified):
        await people.access.login.with_password("new@example.com", PASSWORD, HERE)
    await people.access.accounts.verify_email(people.postbox.token(), PASSWORD)
    assert isinstance(await people.access.login.with_password("new@example.com", PASSWORD, HERE), Begun)
    assert len(await people.acts("email.verified")) == 1


async def test_a_letter_cannot_confirm_an_address_for_somebody_who_does_not_know_the_password(
    people: People,
) -> None:
    await registers(people, "victim@example.com")
    await people.mail_goes_out()
    with pytest.raises(LinkRefused):
        await people.access.accounts.verify_email(people.postbox.token(), "another password of theirs")
    with pytest.raises(EmailUnverified):
        await people.access.login.with_password("victim@example.com", PASSWORD, HERE)


async def test_who_finds_the_own_address_taken_gets_it_by_a_new_password(people: People) -> None:
    await registers(people, "victim@example.com", password=PASSWORD)
    await registers(people, "Victim@example.com", password=NEW)
    await people.mail_goes_out()
    assert people.postbox.letters[-1].subject == "QuickKub: คุณมีบัญชีอยู่แล้ว"
    await people.access.accounts.forgot_password("victim@example.com")
    await people.mail_goes_out()
    await people.access.accounts.reset_password(people.postbox.token(), NEW)
    assert isinstance(await people.access.login.with_password("victim@example.com", NEW, HERE), Begun)
    with pytest.raises(LoginRefused):
        await people.access.login.with_password("victim@example.com", PASSWORD, HERE)


async def test_registering_twice_costs_the_same_work_and_makes_one_account(people: People) -> None:
    work = []
    for _ in range(2):
        before = people.hashing.work_done
        await registers(people)
        work.append(people.hashing.work_done - before)
    assert work == [1, 1]
    assert await people.counts("users") == 1
    assert await people.counts("mail_outbox") == 2


async def test_many_registering_one_address_at_once_make_one_account(people: People) -> None:
    await asyncio.gather(*(registers(people) for _ in range(8)))
    assert await people.counts("users") == 1
    assert len(await people.acts("user.created")) == 1


@pytest.mark.parametrize(
    ("email", "password", "refusal"),
    [
        ("nonsense", PASSWORD, EmailInvalid),
        ("new@example.com", "short", PasswordRefused),
        ("new@example.com", "password1234", PasswordRefused),
        ("violet.otters@example.com", "violet.otters", PasswordRefused),
    ],
)
async def test_bad_words_register_nobody(
    people: People, email: str, password: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await registers(people, email, password)
    assert await people.counts("users") == 0


async def test_registration_is_closed_unless_somebody_was_invited(database: Database) -> None:
    people = People(database)
    joined: list[tuple[str, str, str]] = []

    async def invited(_: Connection, token: str) -> str | None:
        return "New@example.com" if token == "good" else None

    async def join(_: Connection, token: str, user: str, email: str) -> None:
        joined.append((token, user, email))

    people.stands_on(invited=invited, join=join)
    register = people.access.accounts.register
    for email, invitation in (("new@example.com", None), ("new@example.com", "x"), ("b@example.com", "good")):
        with pytest.raises(RegistrationClosed):
            await register(email, PASSWORD, name="New", locale="en", invitation=invitation)
    await register("new@example.com", PASSWORD, name="New", locale="en", invitation="good")
    # The invitation was in a letter to this very address: nothing is left to confirm.
    assert isinstance(await people.access.login.with_password("new@example.com", PASSWORD, HERE), Begun)
    assert [(token, email) for token, _, email in joined] == [("good", "new@example.com")]


async def test_a_new_password_by_letter_ends_every_session_and_what_was_trusted(people: People) -> None:
    user = await people.person()
    sessions = [await people.signs_in(user) for _ in range(3)]
    token = await asks_for_a_letter(people, user)
    await people.access.accounts.reset_password(token, NEW)
    assert [await people.access.sessions.find(one) for one in sessions] == [None] * 3
    assert people.ended == [user.id]
    with pytest.raises(LoginRefused):
        await people.signs_in(user)
    assert await people.signs_in(user, NEW)
    assert [entry["resource_id"] for entry in await people.acts("password.reset")] == [user.id]
    assert (await people.mail_goes_out())[-1].subject == "QuickKub: Your password was changed"


async def test_a_letter_is_good_once_however_many_use_it(people: People) -> None:
    user = await people.person()
    token = await asks_for_a_letter(people, user)
    passwords = [f"{NEW} {number}" for number in range(6)]
    ends = await asyncio.gather(
        *(people.access.accounts.reset_password(token, one) for one in passwords), return_exceptions=True
    )
    assert sorted(type(end).__name__ for end in ends) == ["LinkRefused"] * 5 + ["NoneType"]
    right = passwords[[end is None for end in ends].index(True)]
    assert await people.signs_in(user, right)
    with pytest.raises(LinkRefused):
        await people.access.accounts.reset_password(token, NEW)


async def test_a_letter_is_good_for_an_hour(people: People) -> None:
    token = await asks_for_a_letter(people, await people.person())
    async with people.db.transaction() as tx:
        left = await tx.fetchval("SELECT extract(epoch FROM ends_at - now())::integer FROM mailed_tokens")
        await tx.execute("UPDATE mailed_tokens SET ends_at = now()")
    assert 3590 < left <= 3600
    with pytest.raises(LinkRefused):
        await people.access.accounts.reset_password(token, NEW)


async def test_a_newer_letter_makes_the_older_one_void(people: People) -> None:
    user = await people.person()
    older, newer = await asks_for_a_letter(people, user), await asks_for_a_letter(people, user)
    with pytest.raises(LinkRefused):
        await people.access.accounts.reset_password(older, NEW)
    await people.access.accounts.reset_password(newer, NEW)


async def test_a_bad_new_password_does_not_spend_the_letter(people: People) -> None:
    token = await asks_for_a_letter(people, await people.person())
    with pytest.raises(PasswordRefused):
        await people.access.accounts.reset_password(token, "password1234")
    await people.access.accounts.reset_password(token, NEW)


async def test_a_letter_for_one_thing_is_no_good_for_another(people: People) -> None:
    user = await people.person()
    token = await asks_for_a_letter(people, user)
    with pytest.raises(LinkRefused):
        await people.access.accounts.verify_email(token, PASSWORD)
    await registers(people)
    await people.mail_goes_out()
    with pytest.raises(LinkRefused):
        await people.access.accounts.reset_password(people.postbox.token(), NEW)


async def test_a_new_password_by_letter_leaves_the_second_factor_on(people: People) -> None:
    user, secret, _ = await people.person_with_app()
    await people.access.accounts.reset_password(await asks_for_a_letter(people, user), NEW)
    with pytest.raises(CodeRefused):
        await people.signs_in(user, NEW, code="000000")
    assert await people.signs_in(user, NEW, code=people.code(secret))


async def test_nobody_hears_whether_an_address_has_an_account(people: People) -> None:
    user = await people.person()
    async with people.db.transaction() as tx:
        await set_state(tx, (await people.person("gone@example.com")).id, "disabled")
    for email in (user.email, "nobody@example.com", "gone@example.com"):
        await people.access.accounts.forgot_password(email)
    assert await people.counts("mail_outbox") == 3
    assert [letter.to for letter in await people.mail_goes_out()] == [user.email]


async def test_an_address_gets_three_letters_an_hour_at_most(people: People) -> None:
    user = await people.person()
    await asyncio.gather(*(people.access.accounts.forgot_password(user.email) for _ in range(10)))
    assert len(await people.mail_goes_out()) == 3


async def test_changing_the_password_asks_for_the_old_one_and_ends_other_sessions(people: People) -> None:
    user = await people.person()
    mine, other = await people.signs_in(user), await people.signs_in(user)
    here = await people.here(mine)
    with pytest.raises(LoginRefused):
        await people.access.accounts.change_password(here, "wrong, but long enough", NEW, HERE)
    with pytest.raises(PasswordRefused):
        await people.access.accounts.change_password(here, PASSWORD, "short", HERE)
    renewed = await people.access.accounts.change_password(here, PASSWORD, NEW, HERE)
    assert await people.access.sessions.find(mine) is None
    assert await people.access.sessions.find(other) is None
    assert (await people.here(renewed.reveal())).session_id == here.session_id
    assert people.ended == [user.id]
    assert await people.signs_in(user, NEW)


async def test_a_stored_hash_of_another_cost_is_made_anew_at_the_next_login(database: Database) -> None:
    people = People(database, hashing=Hashing(Cost(memory_kib=128, passes=2)))
    user = await people.person()
    later = People(database)
    assert await later.signs_in(user)
    async with database.read() as reader:
        stored = await reader.fetchval("SELECT password_hash FROM users")
    assert "m=64,t=1,p=1" in stored
    before = later.hashing.work_done
    assert await later.signs_in(user)
    assert later.hashing.work_done - before == 1


async def test_a_login_that_fails_makes_no_hash_anew(database: Database) -> None:
    user = await People(database, hashing=Hashing(Cost(memory_kib=128, passes=2))).person()
    later = People(database)
    with pytest.raises(LoginRefused):
        await later.signs_in(user, "wrong, but long enough")
    assert later.hashing.work_done == 1


async def test_a_letter_is_tried_again_when_the_post_is_away_and_never_stored_in_clear(
    people: People,
) -> None:
    user = await people.person()
    await people.access.accounts.forgot_password(user.email)

    class AwayPost:
        async def send(self, letter_id: str, letter: Letter) -> None:
            raise MailNotSent("away")

    mail = people.access.mail(AwayPost())
    for _ in range(2):
        (due,) = await mail.claim(10)
        with pytest.raises(MailNotSent):
            await mail.send(due)
        assert await mail.claim(10) == []
        async with people.db.transaction() as tx:
            stored = await tx.fetchval("SELECT mail_outbox::text FROM mail_outbox")
            assert user.email not in stored
            await tx.execute("UPDATE mail_outbox SET next_try_at = now()")
    assert len(await people.mail_goes_out()) == 1
    await people.access.accounts.reset_password(people.postbox.token(), NEW)
    async with people.db.read() as reader:
        assert (
            await reader.fetchval(
                "SELECT count(*) FROM mail_outbox WHERE kind = 'reset_password' AND facts IS NOT NULL"
            )
            == 0
        )


async def test_a_letter_nobody_takes_is_given_up_after_some_days(people: People) -> None:
    await people.access.accounts.forgot_password((await people.person()).email)

    class AwayPost:
        async def send(self, letter_id: str, letter: Letter) -> None:
            raise MailNotSent("away")

    mail = people.access.mail(AwayPost())
    tries = 0
    while due := await mail.claim(10):
        tries += 1
        with pytest.raises(MailNotSent):
            await mail.send(due[0])
        async with people.db.transaction() as tx:
            await tx.execute("UPDATE mail_outbox SET next_try_at = now() WHERE next_try_at IS NOT NULL")
    assert tries == 8
    async with people.db.read() as reader:
        assert await reader.fetchval("SELECT facts IS NULL AND sent_at IS NULL FROM mail_outbox")


async def test_a_worker_that_died_with_a_letter_leaves_it_to_another(people: People) -> None:
    await people.access.accounts.forgot_password((await people.person()).email)
    assert len(await people.mail.claim(10)) == 1
    assert await people.mail.claim(10) == []
    async with people.db.transaction() as tx:
        await tx.execute("UPDATE mail_outbox SET next_try_at = now()")
    assert len(await people.mail_goes_out()) == 1


async def test_a_login_that_was_under_way_when_the_password_was_reset_lets_nobody_in(people: People) -> None:
    user = await people.person()
    token = await asks_for_a_letter(people, user)
    reset = asyncio.Event()

    class SlowPlace(Place):
        """Hears that the password is right, and then the owner is faster."""

        async def fits(self, stored: str | None, password: str) -> bool:
            right = await super().fits(stored, password)
            await people.access.accounts.reset_password(token, NEW)
            reset.set()
            return right

    class SlowHashing(Hashing):
        @contextlib.contextmanager
        def place(self) -> Iterator[Place]:
            yield SlowPlace(self)

    stolen = People(people.db, hashing=SlowHashing(Cost(memory_kib=64, passes=1)))
    with pytest.raises(LoginRefused):
        await stolen.signs_in(user)
    assert reset.is_set()
    assert await people.access.sessions.of_user(user.id) == []


async def test_logins_at_the_same_time_as_a_reset_leave_no_session(people: People) -> None:
    user = await people.person()
    for _ in range(3):
        token = await asks_for_a_letter(people, user)
        await asyncio.gather(
            *(people.signs_in(user) for _ in range(4)),
            people.access.accounts.reset_password(token, NEW),
            return_exceptions=True,
        )
        assert await people.access.sessions.of_user(user.id) == []
        async with people.db.transaction() as tx:
            await tx.execute("UPDATE users SET password_hash = $1", user.password_hash)
            await tx.execute("DELETE FROM mail_outbox")


async def test_two_logins_that_make_an_old_hash_anew_are_both_let_in(database: Database) -> None:
    user = await People(database, hashing=Hashing(Cost(memory_kib=128, passes=2))).person()
    later = People(database)
    assert len(set(await asyncio.gather(*(later.signs_in(user) for _ in range(4))))) == 4
