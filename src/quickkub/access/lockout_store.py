"""SQL of wrong tries. All times are the database's."""

from __future__ import annotations

from collections.abc import Sequence

from quickkub.storage import Connection


async def count(
    tx: Connection, account: bytes, network: str, *, locks: Sequence[int], forget_seconds: int
) -> int | None:
    """One more, and the lock that goes with it; returns how many there were in a row, this one included.

    None while it is locked. `locks` are the seconds after the first, the second ... wrong try. One statement,
    so that of many tries at once each sees those before it.
    """
    failures: int | None = await tx.fetchval(
        """
        INSERT INTO failed_logins AS old (account, network, failures, locked_until)
        VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => ($3::integer[])[1]))
        ON CONFLICT (account, network) DO UPDATE SET
            (failures, locked_until) = (
                SELECT tried.failures,
                       clock_timestamp() + make_interval(
                           secs => ($3::integer[])[least(tried.failures, cardinality($3::integer[]))])
                  FROM (SELECT CASE WHEN old.last_at < now() - make_interval(secs => $4) THEN 1
                                    ELSE old.failures + 1 END AS failures) AS tried
            ),
            last_at = clock_timestamp()
        WHERE old.locked_until <= clock_timestamp()
        RETURNING failures
        """,
        account,
        network,
        list(locks),
        forget_seconds,
    )
    return failures


async def locked_for(reader: Connection, account: bytes, network: str) -> int:
    """Whole seconds until the next try; one at least, because a part of one is left."""
    left: int | None = await reader.fetchval(
        """
        SELECT ceil(extract(epoch FROM locked_until - clock_timestamp()))::integer
          FROM failed_logins WHERE account = $1 AND network = $2
        """,
        account,
        network,
    )
    return max(left or 0, 1)


async def forget(tx: Connection, account: bytes, network: str) -> None:
    """No wrong tries."""
    await tx.execute("DELETE FROM failed_logins WHERE account = $1 AND network = $2", account, network)
