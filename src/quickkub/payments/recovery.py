"""After a restore: the gate is shut, providers are asked what we forgot, and only then money is sent (D7).

PostgreSQL puts a server that was restored to a point in time on a new timeline. The row of the gate came back
with the timeline on which it was last opened, so a restored database knows by itself that it is one. A
restore from a dump leaves no such trace; there a person shuts the gate by `shut`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage import Connection

LOOK_BACK: Final = timedelta(days=7)
"""How far back attempts are asked about again: as long as we ask about what nobody can tell."""


class Recovering(Refusal):
    """The database was restored; until the providers have been asked, nothing that moves money is taken."""

    code, kind = "recovering", Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("the gateway is being brought up to date after a restore", retry_after=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the gate stands. `unasked` counts what a provider has not been asked about since it was shut."""

    is_open: bool
    recovering_since: datetime | None
    unasked: int


_TIMELINE: Final = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"

# Shutting the gate makes everything due at that moment; an inquiry that ended has moved its next one on.
_UNASKED: Final = """
    (SELECT count(*) FROM attempts WHERE next_check_at <= gate.recovering_since)
  + (SELECT count(*) FROM instructions WHERE next_check_at <= gate.recovering_since)
"""


async def standing(reader: Connection) -> Standing:
    """Whether money may be sent. A restored database that nobody has shut yet is not open either."""
    row = await reader.fetchrow(
        f"""
        SELECT CASE WHEN pg_is_in_recovery() THEN false
                    ELSE timeline = {_TIMELINE} AND recovering_since IS NULL END AS is_open,
               recovering_since,
               CASE WHEN recovering_since IS NULL THEN 0 ELSE {_UNASKED} END AS unasked
          FROM recovery_gate gate
        """  # noqa: S608 -- only our own pieces are put in
    )
    assert row is not None, "the migration wrote the row"
    return Standing(row["is_open"], row["recovering_since"], row["unasked"])


async def refuse_while_recovering(reader: Connection) -> None:
    """Raises Recovering unless the gate is open."""
    found = await standing(reader)
    if not found.is_open:
        raise Recovering()


async def shut(tx: Connection) -> None:
    """Begin: everything a provider may know more about is asked about at once, and nothing is told anew.

    An instruction that was written down and, as far as we remember, never told may have been told in the time
    we lost: from now on it counts as told, so that it is asked about and not sent twice (P10). Once begun,
    beginning again changes nothing.
    """
    begun: str = await tx.execute(
        """
        UPDATE recovery_gate SET recovering_since = clock_timestamp(), asked_from = now() - $1::interval
         WHERE recovering_since IS NULL
        """,
        LOOK_BACK,
    )
    if begun != "UPDATE 1":
        return
    await tx.execute("UPDATE instructions SET told_at = coalesce(told_at, created_at) WHERE told_at IS NULL")
    await tx.execute(
        """
        UPDATE instructions SET next_check_at = now(), lease_until = NULL WHERE next_check_at IS NOT NULL
        """
    )
    await tx.execute(
        """
        UPDATE attempts SET next_check_at = now(), lease_until = NULL, checks = 0
         WHERE created_at >= now() - $1::interval
        """,
        LOOK_BACK,
    )


async def open_again(tx: Connection) -> bool:
    """Open the gate once every provider was asked about everything; False while something is unasked."""
    found = await standing(tx)
    if found.recovering_since is None or found.unasked:
        return found.is_open
    await tx.execute(
        f"""
        UPDATE recovery_gate
           SET timeline = {_TIMELINE}, recovering_since = NULL, asked_from = NULL, opened_at = now()
        """  # noqa: S608 -- only our own pieces are put in
    )
    return True
