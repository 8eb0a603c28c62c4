"""From settings to the access room: hashing, roles, invitations, letters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from quickkub.access import members
from quickkub.access.ground import AccessSetting, Ground, read_rules
from quickkub.access.hashing import Hashing, HashingWeak
from quickkub.access.oauth.after import end_all_of
from quickkub.access.post import SENDER_DEFAULT, SmtpUrlInvalid, open_post
from quickkub.access.service import Access
from quickkub.house.assembly import House
from quickkub.settings import BadSetting
from quickkub.worker.loops import Loop, each
from quickkub.worker.schedules import Schedule

_FORGET_AT_ONCE: Final = 500


def access_of(house: House, environment: Mapping[str, str] = os.environ) -> Access:
    """The room of this gateway. Raises BadSetting."""
    try:
        rules, cost = read_rules(environment, house.settings.public_url)
    except (AccessSetting, HashingWeak) as refusal:
        raise BadSetting(refusal.detail, param=refusal.param) from None
    return Access(
        Ground(
            house.db,
            house.vault,
            Hashing(cost),
            rules,
            house.clock,
            roles_of=members.roles_of,
            on_reset=end_all_of,
            invited=members.invited,
            join=members.accept,
        )
    )


def letters_of(access: Access, house: House, environment: Mapping[str, str] = os.environ) -> Loop:
    """The worker's loop that writes and sends letters. Raises BadSetting."""
    sender = environment.get("QUICKKUB_MAIL_FROM") or SENDER_DEFAULT
    try:
        post = open_post(house.settings.mail_dir, house.settings.smtp_url, sender)
    except SmtpUrlInvalid as refusal:
        raise BadSetting(refusal.detail, param=refusal.param) from None
    mail = access.mail(post)
    return Loop("letters", each(mail.claim, mail.send, "letter"), 8, 1)


def access_schedules(access: Access) -> dict[str, Schedule]:
    """Sessions, letters and wrong tries that ended long ago are forgotten."""

    async def forget() -> None:
        while await access.forget(_FORGET_AT_ONCE) >= _FORGET_AT_ONCE:
            pass

    return {"access_housekeeping": Schedule("*/30 * * * *", forget)}
