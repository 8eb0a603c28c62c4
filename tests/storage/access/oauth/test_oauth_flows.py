"""The OAuth2 server's rules: codes, refresh tokens, revocation, introspection, and all ways to be refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from quickkub.access.oauth.after import end_all_of
from quickkub.access.oauth.ask import RedirectedRefusal, SignedIn
from quickkub.access.oauth.errors import (
    OAuthAddressRefused,
    OAuthClientNotPermitted,
    OAuthClientRefused,
    OAuthGrantRefused,
    OAuthGrantTypeUnsupported,
    OAuthRequestInvalid,
    OAuthScopeInvalid,
    OAuthTargetInvalid,
    OAuthTicketRefused,
)
from quickkub.access.oauth.service import forget_old
from quickkub.kernel.ids import new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import KeyRefused
from quickkub.storage import Database, open_database
from quickkub.storage.scope import house
from quickkub.telemetry.tokens import TOKEN_REUSE
from tests.support.oauth import (
    BACK,
    ISSUER,
    Server,
    answer_in,
    by_code,
    new_person,
    open_server,
    verifier_and_challenge,
)
from tests.support.postgres import TestServer

DAY = 24 * 3600


@pytest.fixture(scope="module")
async def shared(postgres_server: TestServer) -> AsyncIterator[Database]:
    """One database for the file: every test has a merchant of its own in it."""
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=10)
        yield database
        await database.close()


@pytest.fixture
async def server(shared: Database) -> Server:
    return await open_server(shared)


async def is_refused(server: Server, token: Secret) -> bool:
    """Whether an access token is refused at once, in the process that revoked it."""
    try:
        await server.tokens.caller(token.reveal())
    except KeyRefused:
        return True
    return False


async def told_to_the_client(server: Server, client_question: dict[str, str]) -> dict[str, str]:
    """What a client hears at its redirect address when its question is refused."""
    with pytest.raises(RedirectedRefusal) as caught:
        await server.oauth.asking.read(client_question)
    return answer_in(caught.value.address)


# Asking


async def test_a_code_comes_back_with_the_clients_state_and_our_name(server: Server) -> None:
    client = await server.registers()
    heard = await server.agrees(client, verifier_and_challenge()[1])
    assert set(heard) == {"code", "state", "iss"}
    assert (heard["state"], heard["iss"]) == ("s-1", ISSUER)


async def test_a_no_comes_back_as_access_denied(server: Server) -> None:
    client = await server.registers()
    asked = await server.oauth.asking.read(server.question(client, verifier_and_challenge()[1]))
    consent = await server.oauth.asking.show(asked, server.owner)
    heard = answer_in(await server.oauth.asking.answer(consent.ticket.reveal(), server.owner, agrees=False))
    assert (heard["error"], heard["state"], heard["iss"]) == ("access_denied", "s-1", ISSUER)
    assert "code" not in heard


@pytest.mark.parametrize(
    "address",
    [
        BACK + "/",
        BACK + "?x=1",
        BACK + "#",
        BACK.replace("https", "http"),
        BACK.replace("app.", "App."),
        BACK.replace("example.com", "example.com:443"),
        BACK.replace("/back", "/x/../back"),
        BACK.replace("https://", "https://evil@"),
        BACK + ".evil.example",
        "https://evil.example/back",
        "javascript:alert(1)",
        "",
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(server: Server, address: str) -> None:
    client = await server.registers()
    question = server.question(client, verifier_and_challenge()[1]) | {"redirect_uri": address}
    with pytest.raises(OAuthAddressRefused):
        await server.oauth.asking.read(question)


async def test_nobody_is_sent_anywhere_for_a_client_nobody_knows(server: Server) -> None:
    client = await server.registers()
    question = server.question(client, verifier_and_challenge()[1])
    for name in (new_id("cli"), "", "cli_" + "0" * 31, client.id.upper(), client.id + "\0"):
        with pytest.raises(OAuthAddressRefused):
            await server.oauth.asking.read(question | {"client_id": name})
    with house():
        await server.oauth.clients.revoke(server.merchant, "test", client.id)
    with pytest.raises(OAuthAddressRefused):
        await server.oauth.asking.read(question)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "=" * 43}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"request_uri": "https://evil.example/request"}, "invalid_request"),
        ({"request": "eyJ"}, "invalid_request"),
        ({"resource": "https://elsewhere.test"}, "invalid_target"),
        ({"scope": "payments:read team:write"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": " payments:read"}, "invalid_scope"),
        ({"scope": "payments:read  refunds:write"}, "invalid_scope"),
    ],
)
async def test_a_question_that_is_wrong_is_answered_to_the_client(
    server: Server, more: dict[str, str | None], error: str
) -> None:
    client = await server.registers()
    heard = await told_to_the_client(server, server.question(client, verifier_and_challenge()[1], **more))
    assert (heard["error"], heard["state"], heard["iss"]) == (error, "s-1", ISSUER)


async def test_a_state_that_could_break_a_header_is_not_given_back(server: Server) -> None:
    client = await server.registers()
    question = server.question(client, verifier_and_challenge()[1], state="a\r\nLocation: x")
    heard = await told_to_the_client(server, question)
    assert heard["error"] == "invalid_request" and "state" not in heard


async def test_a_client_for_itself_alone_may_not_ask_people(server: Server) -> None:
    client = await server.registers(grant_types=("client_credentials",), redirect_uris=())
    with pytest.raises(OAuthAddressRefused):
        question = server.question(await server.registers(), verifier_and_challenge()[1])
        await server.oauth.asking.read(question | {"client_id": client.id})


async def test_somebody_with_no_part_in_the_merchant_cannot_let_a_client_in(server: Server) -> None:
    client = await server.registers()
    asked = await server.oauth.asking.read(server.question(client, verifier_and_challenge()[1]))
    stranger = SignedIn(await new_person(server.db, None), new_id("ses"))
    with pytest.raises(RedirectedRefusal) as caught:
        await server.oauth.asking.show(asked, stranger)
    assert answer_in(caught.value.address)["error"] == "access_denied"


async def test_a_consent_form_is_answered_once_by_the_session_that_was_shown_it(server: Server) -> None:
    client = await server.registers()
    asked = await server.oauth.asking.read(server.question(client, verifier_and_challenge()[1]))
    ticket = (await server.oauth.asking.show(asked, server.owner)).ticket.reveal()
    others = (
        SignedIn(server.owner.user, new_id("ses")),
        SignedIn(await new_person(server.db, server.merchant), server.owner.session),
    )
    for other in others:
        with pytest.raises(OAuthTicketRefused):
            await server.oauth.asking.answer(ticket, other, agrees=True)
    for text in ("", "x", ticket[:-1] + ("A" if ticket[-1] != "A" else "B"), ticket.replace("_ti_", "_rt_")):
        with pytest.raises(OAuthTicketRefused):
            await server.oauth.asking.answer(text, server.owner, agrees=True)
    assert "code" in answer_in(await server.oauth.asking.answer(ticket, server.owner, agrees=True))
    with pytest.raises(OAuthTicketRefused):
        await server.oauth.asking.answer(ticket, server.owner, agrees=True)


async def test_a_consent_form_from_long_ago_is_refused(server: Server) -> None:
    client = await server.registers()
    asked = await server.oauth.asking.read(server.question(client, verifier_and_challenge()[1]))
    ticket = (await server.oauth.asking.show(asked, server.owner)).ticket.reveal()
    await server.time_passes(600)
    with pytest.raises(OAuthTicketRefused):
        await server.oauth.asking.answer(ticket, server.owner, agrees=True)


# Codes


async def test_a_code_becomes_tokens_for_what_was_agreed(server: Server) -> None:
    client = await server.registers()
    answer = await server.signs_in(client, scope="payments:read")
    assert answer.scopes == {"payments:read"} and answer.refresh_token is not None
    assert (await server.tokens.caller(answer.access_token.reveal())).scopes == {"payments:read"}


async def test_a_client_without_refresh_tokens_gets_none(server: Server) -> None:
    client = await server.registers(grant_types=("authorization_code",))
    assert (await server.signs_in(client)).refresh_token is None


async def test_a_code_brought_again_is_refused_and_ends_what_it_led_to(server: Server) -> None:
    client = await server.registers()
    before = TOKEN_REUSE.labels("code")._value.get()
    verifier, challenge = verifier_and_challenge()
    heard = await server.agrees(client, challenge)
    answer = await server.settles(client, by_code(heard["code"], verifier))
    assert not await is_refused(server, answer.access_token)
    with pytest.raises(OAuthGrantRefused):
        await server.settles(client, by_code(heard["code"], verifier))
    assert await is_refused(server, answer.access_token)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, answer.refresh_token)
    assert "code.reused" in await server.audited()
    assert TOKEN_REUSE.labels("code")._value.get() == before + 1


async def test_of_two_who_bring_a_code_at_once_neither_keeps_anything(server: Server) -> None:
    client = await server.registers()
    verifier, challenge = verifier_and_challenge()
    heard = await server.agrees(client, challenge)
    tries = await asyncio.gather(
        *(server.settles(client, by_code(heard["code"], verifier)) for _ in range(4)), return_exceptions=True
    )
    [won] = [one for one in tries if not isinstance(one, BaseException)]
    assert all(isinstance(one, OAuthGrantRefused) for one in tries if one is not won)
    assert await is_refused(server, won.access_token)


async def test_a_code_lives_a_minute(server: Server) -> None:
    client = await server.registers()
    verifier, challenge = verifier_and_challenge()
    heard = await server.agrees(client, challenge)
    await server.time_passes(60)
    with pytest.raises(OAuthGrantRefused):
        await server.settles(client, by_code(heard["code"], verifier))


@pytest.mark.parametrize("verifier", ["", "x" * 42, "x" * 43, "x" * 129, "ü" * 43, "the challenge"])
async def test_a_wrong_verifier_is_refused_and_burns_the_code(server: Server, verifier: str) -> None:
    client = await server.registers()
    right, challenge = verifier_and_challenge()
    heard = await server.agrees(client, challenge)
    wrong = by_code(heard["code"], challenge if verifier == "the challenge" else verifier)
    with pytest.raises(OAuthGrantRefused if verifier else OAuthRequestInvalid):
        await server.settles(client, wrong)
    if verifier:
        assert "code.refused" in await server.audited()
        with pytest.raises(OAuthGrantRefused):
            await server.settles(client, by_code(heard["code"], right))


async def test_a_code_is_not_exchanged_for_another_address(server: Server) -> None:
    other = BACK + "/2"
    client = await server.registers(redirect_uris=(BACK, other))
    verifier, challenge = verifier_and_challenge()
    heard = await server.agrees(client, challenge)
    with pytest.raises(OAuthGrantRefused):
        await server.settles(client, by_code(heard["code"], verifier, other))


async def test_a_code_is_worth_nothing_to_another_client(server: Server) -> None:
    client, thief = await server.registers(), await server.registers(name="Thief")
    stranger = await open_server(server.db)
    verifier, challenge = verifier_and_challenge()
    heard = await server.agrees(client, challenge)
    with pytest.raises(OAuthGrantRefused):
        await server.settles(thief, by_code(heard["code"], verifier))
    with pytest.raises(OAuthGrantRefused):
        await stranger.settles(await stranger.registers(), by_code(heard["code"], verifier))
    # The client it was given to has lost nothing by that.
    assert (await server.settles(client, by_code(heard["code"], verifier))).refresh_token is not None


async def test_a_code_of_somebody_who_left_meanwhile_is_refused(server: Server) -> None:
    client = await server.registers()
    verifier, challenge = verifier_and_challenge()
    heard = await server.agrees(client, challenge)
    with house():
        async with server.db.transaction() as tx:
            await tx.execute("UPDATE users SET state = 'disabled' WHERE id = $1", server.owner.user)
    with pytest.raises(OAuthGrantRefused):
        await server.settles(client, by_code(heard["code"], verifier))


# Refresh tokens


async def test_a_refresh_token_is_replaced_at_each_use(server: Server) -> None:
    client = await server.registers()
    first = await server.signs_in(client)
    second = await server.refreshes(client, first.refresh_token)
    third = await server.refreshes(client, second.refresh_token)
    assert len({str(one.refresh_token and one.refresh_token.reveal()) for one in (first, second, third)}) == 3
    assert not await is_refused(server, third.access_token)


async def test_a_spent_refresh_token_ends_its_whole_family(server: Server) -> None:
    client = await server.registers()
    before = TOKEN_REUSE.labels("refresh_token")._value.get()
    first = await server.signs_in(client)
    second = await server.refreshes(client, first.refresh_token)
    assert not await is_refused(server, second.access_token)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, first.refresh_token)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, second.refresh_token)
    assert await is_refused(server, second.access_token)
    assert "refresh_token.reused" in await server.audited()
    assert TOKEN_REUSE.labels("refresh_token")._value.get() == before + 1


async def test_of_refreshes_at_once_one_wins_and_the_others_count_as_reuse(server: Server) -> None:
    client = await server.registers()
    before = TOKEN_REUSE.labels("refresh_token")._value.get()
    first = await server.signs_in(client)
    tries = await asyncio.gather(
        *(server.refreshes(client, first.refresh_token) for _ in range(4)), return_exceptions=True
    )
    [won] = [one for one in tries if not isinstance(one, BaseException)]
    assert sum(isinstance(one, OAuthGrantRefused) for one in tries) == 3
    assert TOKEN_REUSE.labels("refresh_token")._value.get() == before + 3
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, won.refresh_token)


async def test_another_family_of_the_same_client_lives_on(server: Server) -> None:
    client = await server.registers()
    one, other = await server.signs_in(client), await server.signs_in(client)
    await server.refreshes(client, one.refresh_token)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, one.refresh_token)
    assert (await server.refreshes(client, other.refresh_token)).refresh_token is not None


async def test_a_refresh_token_dies_after_a_week_without_use(server: Server) -> None:
    client = await server.registers()
    answer = await server.signs_in(client)
    await server.time_passes(7 * DAY - 60)
    answer = await server.refreshes(client, answer.refresh_token)
    await server.time_passes(7 * DAY)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, answer.refresh_token)


async def test_a_family_ends_after_thirty_days_however_often_it_was_used(server: Server) -> None:
    client = await server.registers()
    answer = await server.signs_in(client)
    for _ in range(4):
        await server.time_passes(7 * DAY - 60)
        answer = await server.refreshes(client, answer.refresh_token)
    await server.time_passes(2 * DAY + 240)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, answer.refresh_token)


async def test_a_refresh_can_ask_for_less_and_not_for_more(server: Server) -> None:
    client = await server.registers()
    answer = await server.signs_in(client, scope="payments:read refunds:write")
    with pytest.raises(OAuthScopeInvalid):
        await server.refreshes(client, answer.refresh_token, scope="payments:write")
    less = await server.refreshes(client, answer.refresh_token, scope="payments:read")
    assert less.scopes == {"payments:read"}
    again = await server.refreshes(client, less.refresh_token)
    assert again.scopes == {"payments:read", "refunds:write"}


async def test_a_refresh_token_is_worth_nothing_to_another_client(server: Server) -> None:
    client, thief = await server.registers(), await server.registers(name="Thief")
    answer = await server.signs_in(client)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(thief, answer.refresh_token)
    assert (await server.refreshes(client, answer.refresh_token)).refresh_token is not None


async def test_a_person_who_left_has_no_tokens_any_more(server: Server) -> None:
    client = await server.registers()
    answer = await server.signs_in(client)
    with house():
        async with server.db.transaction() as tx:
            await tx.execute("UPDATE members SET state = 'removed' WHERE user_id = $1", server.owner.user)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, answer.refresh_token)


async def test_a_password_reset_ends_all_tokens_of_a_person(server: Server) -> None:
    client = await server.registers()
    answer = await server.signs_in(client)
    with house():
        async with server.db.transaction() as tx:
            await end_all_of(tx, server.owner.user)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, answer.refresh_token)
    server.clock.moves(6)
    assert await is_refused(server, answer.access_token)


@pytest.mark.parametrize("text", ["", "x", "qk_rt_", "qk_rt_" + "A" * 64, "qk_rt_" + "A" * 10_000, "qk_rt_é"])
async def test_what_is_no_refresh_token_is_refused(server: Server, text: str) -> None:
    client = await server.registers()
    with pytest.raises(OAuthGrantRefused if text else OAuthRequestInvalid):
        await server.refreshes(client, Secret(text))


# The client itself


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({}, OAuthRequestInvalid),
        ({"grant_type": "password", "username": "a", "password": "b"}, OAuthGrantTypeUnsupported),
        ({"grant_type": "implicit"}, OAuthGrantTypeUnsupported),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, OAuthGrantTypeUnsupported),
        ({"grant_type": "client_credentials", "scope": "team:write"}, OAuthScopeInvalid),
        ({"grant_type": "client_credentials", "resource": "https://elsewhere.test"}, OAuthTargetInvalid),
        ({"grant_type": "authorization_code"}, OAuthRequestInvalid),
    ],
)
async def test_a_token_request_that_is_wrong_is_refused(
    server: Server, given: dict[str, str], refusal: type[Exception]
) -> None:
    client = await server.registers()
    with pytest.raises(refusal):
        await server.settles(client, given)


async def test_a_client_uses_only_the_grant_types_it_was_given(server: Server) -> None:
    client = await server.registers(grant_types=("authorization_code",))
    for kind in ("client_credentials", "refresh_token"):
        with pytest.raises(OAuthClientNotPermitted):
            await server.settles(client, {"grant_type": kind, "refresh_token": "x"})


async def test_a_client_for_itself_gets_nothing_that_needs_a_person(server: Server) -> None:
    client = await server.registers(scopes=("payments:read", "team:write"))
    answer = await server.settles(client, {"grant_type": "client_credentials"})
    assert answer.scopes == {"payments:read"} and answer.refresh_token is None


async def test_a_wrong_secret_an_unknown_client_and_a_revoked_one_look_the_same(server: Server) -> None:
    client, gone = await server.registers(), await server.registers()
    with house():
        await server.oauth.clients.revoke(server.merchant, "test", gone.id)
    good = server.proof(client)
    wrong = type(good)(client.id, Secret("qk_cs_wrong"))
    unknown = type(good)(new_id("cli"), good.secret)
    nothing = type(good)(client.id)
    told = set()
    for proof in (wrong, unknown, server.proof(gone), nothing):
        with pytest.raises(OAuthClientRefused) as caught:
            await server.oauth.door.client(proof)
        told.add((caught.value.code, caught.value.detail))
    assert len(told) == 1
    assert (await server.audited()).count("client_login.refused") >= 2


async def test_revoking_a_client_ends_its_tokens(server: Server) -> None:
    client = await server.registers()
    answer = await server.signs_in(client)
    with house():
        await server.oauth.clients.revoke(server.merchant, "test", client.id)
    assert await is_refused(server, answer.access_token)


async def test_a_new_secret_replaces_the_old_one(server: Server) -> None:
    client = await server.registers()
    old = server.proof(client)
    with house():
        _, server.secrets[client.id] = await server.oauth.clients.roll_secret(
            server.merchant, "test", client.id
        )
    with pytest.raises(OAuthClientRefused):
        await server.oauth.door.client(old)
    assert (await server.oauth.door.client(server.proof(client))).id == client.id


# Afterwards


async def test_a_revoked_refresh_token_takes_the_access_token_with_it(server: Server) -> None:
    client = await server.registers()
    answer = await server.signs_in(client)
    assert answer.refresh_token is not None
    assert not await is_refused(server, answer.access_token)
    await server.oauth.afterwards.revoke(client, answer.refresh_token.reveal())
    assert await is_refused(server, answer.access_token)
    with pytest.raises(OAuthGrantRefused):
        await server.refreshes(client, answer.refresh_token)
    assert "oauth_grant.revoked" in await server.audited()
    await server.oauth.afterwards.revoke(client, answer.refresh_token.reveal())


async def test_a_client_cannot_revoke_anothers_token(server: Server) -> None:
    client, other = await server.registers(), await server.registers()
    answer = await server.signs_in(client)
    assert answer.refresh_token is not None
    for token in (answer.access_token, answer.refresh_token):
        with pytest.raises(OAuthClientNotPermitted):
            await server.oauth.afterwards.revoke(other, token.reveal())
    stranger = await open_server(server.db)
    for token in (answer.access_token, answer.refresh_token, Secret("rubbish")):
        await server.oauth.afterwards.revoke(await stranger.registers(), token.reveal())
    assert not await is_refused(server, answer.access_token)


async def test_introspection_tells_what_a_token_is_good_for_now(server: Server) -> None:
    client = await server.registers()
    answer = await server.signs_in(client, scope="payments:read")
    assert answer.refresh_token is not None
    told = await server.oauth.afterwards.introspect(client, answer.access_token.reveal())
    assert told["active"] is True and told["scope"] == "payments:read"
    assert (told["client_id"], told["sub"], told["iss"]) == (client.id, server.owner.user, ISSUER)
    assert (await server.oauth.afterwards.introspect(client, answer.refresh_token.reveal()))["active"] is True
    with house():
        async with server.db.transaction() as tx:
            await tx.execute("UPDATE oauth_clients SET scopes = '{refunds:write}' WHERE id = $1", client.id)
    told = await server.oauth.afterwards.introspect(client, answer.access_token.reveal())
    assert (told["active"], told["scope"]) == (True, "")
    await server.oauth.afterwards.revoke(client, answer.access_token.reveal())
    for token in (answer.access_token, answer.refresh_token, Secret("rubbish")):
        assert await server.oauth.afterwards.introspect(client, token.reveal()) == {"active": False}


async def test_introspection_says_nothing_about_other_peoples_tokens(server: Server) -> None:
    answer = await server.signs_in(await server.registers())
    assert answer.refresh_token is not None
    stranger = await open_server(server.db)
    live = await server.registers(mode="live")
    for asking in (await stranger.registers(), live):
        for token in (answer.access_token, answer.refresh_token):
            assert await server.oauth.afterwards.introspect(asking, token.reveal()) == {"active": False}
    public = await server.registers(auth_method="none", grant_types=("authorization_code",))
    with pytest.raises(OAuthClientNotPermitted):
        await server.oauth.afterwards.introspect(public, answer.access_token.reveal())


async def test_what_nobody_can_use_any_more_is_forgotten_after_a_month(database: Database) -> None:
    server = await open_server(database)
    client = await server.registers()
    await server.signs_in(client)
    await server.settles(client, {"grant_type": "client_credentials"})
    assert await forget_old(database, 100) == 0
    await server.time_passes(61 * DAY)
    assert await forget_old(database, 100) == 3
    with house():
        async with database.read() as reader:
            assert await reader.fetchval("SELECT count(*) FROM refresh_tokens") == 0


async def test_a_persons_token_is_of_the_session_in_which_they_let_the_program_in(server: Server) -> None:
    """So that a step-up is read there; a program that acts for itself has none."""
    client = await server.registers()
    told = await server.signs_in(client)
    caller = await server.oauth.tokens.caller(told.access_token.reveal())
    assert caller.session_id == server.owner.session
    alone = await server.settles(client, {"grant_type": "client_credentials"})
    assert (await server.oauth.tokens.caller(alone.access_token.reveal())).session_id is None
