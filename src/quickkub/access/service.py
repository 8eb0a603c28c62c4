"""Everything about signing in, put together: what the API and the worker hold."""

from __future__ import annotations

from quickkub.access.accounts import Accounts
from quickkub.access.ground import Ground
from quickkub.access.login import Login
from quickkub.access.mail import Mail, Post
from quickkub.access.second_factor import SecondFactor
from quickkub.access.session_store import forget_old
from quickkub.access.sessions import Sessions


class Access:
    """The counters of this room."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.sessions = Sessions(ground)
        self.login = Login(ground, self.sessions)
        self.accounts = Accounts(ground, self.sessions, self.login)
        self.second_factor = SecondFactor(ground, self.sessions)

    def mail(self, post: Post) -> Mail:
        """The worker's side of letters."""
        return Mail(self.ground.db, self.ground.vault, self.accounts.writers(), post)

    async def forget(self, limit: int) -> int:
        """Delete up to `limit` of each of what ended long ago; returns how many rows."""
        async with self.ground.db.transaction() as tx:
            return await forget_old(tx, limit)
