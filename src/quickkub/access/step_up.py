"""What a person does only right after showing password and second factor: the only table of it (5.2).

A session that somebody else has come into, or a program that somebody was talked into letting in, then has
five minutes after its owner's last proof, and mostly none. Keys and programs that act for themselves are no
persons: they have no password to show, and what they may do is narrowed by scopes and networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quickkub.access import session_store
from quickkub.access.ground import STEP_UP_SECONDS
from quickkub.access.sessions import SecondFactorRequired, StepUpRequired
from quickkub.merchants.keys import Caller
from quickkub.storage import Database

STEP_UP: Final[Mapping[str, str]] = {
    "createApiKey": "a key goes on when the session is long over",
    "rollApiKey": "shows a key",
    "createOAuthClient": "shows a secret that opens the API as a key does",
    "rollOAuthClientSecret": "shows a secret that opens the API as a key does",
    "createWebhookEndpoint": "shows the secret that events are signed with",
    "rotateWebhookSecret": "shows the secret that events are signed with",
    "changeMember": "gives a role",
    "createInvitation": "gives a role",
    "createMerchant": "gives a role: invites an owner",
    "proposeSettlementAccount": "says where money goes",
    "approve": "a second person says where money goes",
    "approveForMerchant": "the platform says where money goes",
    "addProviderAccount": "says at which provider's account payers' money arrives",
    "updateProviderAccount": "says at which provider's account payers' money arrives",
    "changeSettings": "says how much goes back without a step-up, and where payers are sent back to",
    "erasePerson": "cannot be taken back",
    "exportPerson": "hands out everything about somebody",
    "placeLegalHold": "keeps what would be erased",
    "liftLegalHold": "has erased what was kept",
}
"""Operations, each with its reason."""


async def require_fresh(db: Database, caller: Caller) -> None:
    """A person who asks by token has shown both a moment ago, in the session the token was given in.

    Read from the session's row each time: a token says nothing about it. Raises StepUpRequired,
    SecondFactorRequired.
    """
    if caller.user_id is None:
        return
    async with db.read() as reader:
        shown = await session_store.last_shown(reader, caller.user_id, caller.session_id)
    if shown is None:
        raise StepUpRequired(STEP_UP_SECONDS, session_is_over=True)
    if not shown["second_factor"]:
        raise SecondFactorRequired
    if shown["stepped_up_seconds"] >= STEP_UP_SECONDS:
        raise StepUpRequired(STEP_UP_SECONDS)
