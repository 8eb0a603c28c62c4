"""The fraud rules against seeded attacks, on a PostgreSQL of its own: `python -m bench.fraud --seeds 1 2 3`.

Prints the bars of security-reliability 6 for each seed, and which rules hit honest payments. "A look by
itself" is timed from asking to the written decision, in one session, without the commit. What screening adds
to creating a payment is another question, asked with a control that has no rules by `bench.fraud_added`. Its
answer is printed at the end (`--no-time` leaves it out), and the bar of 20 ms is held against it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from bench.fraud_added import broken as too_slow
from bench.fraud_added import measured, printed

from quickkub.fraud.simulation.report import as_json, attack_rows, broken, summary_rows
from quickkub.fraud.simulation.run import Outcome, simulate
from quickkub.storage import open_database
from quickkub.storage.scope import house
from tests.support.postgres import private_folder, running_server


async def play(seeds: list[int], days: int, share_percent: int) -> list[Outcome]:
    """Each seed on a fresh database."""
    outcomes = []
    with private_folder() as folder, running_server(folder) as server:
        for seed in seeds:
            async with server.fresh_database() as dsn:
                database = await open_database(dsn, size_max=2)
                with house():
                    outcomes.append(await simulate(database, seed, days=days, share_percent=share_percent))
                await database.close()
            _print(outcomes[-1])
    return outcomes


def _print(outcome: Outcome) -> None:
    print(f"\nseed {outcome.seed}: {outcome.honest.count} honest payments, {outcome.looked} looked at")
    for name, value, bar in summary_rows(outcome):
        print(f"  {name:54} {value:>9}  {bar}")
    for row in attack_rows(outcome):
        print(
            f"    {row[0]:28} {row[1]:>12} baht tried  {row[2]:>12} stopped {row[3]:>9}  first after {row[4]}"
        )
    print("  honest payments hit, by what:", outcome.hit_by or "none", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--share", type=int, default=100, help="percent of a usual day's payments")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-time", action="store_true", help="only what is stopped and who is hit")
    asked = parser.parse_args()
    outcomes = asyncio.run(play(asked.seeds, asked.days, asked.share))
    if asked.json:
        print(json.dumps([as_json(one) for one in outcomes], indent=2))
    missed = [one for one in broken(outcomes) if "p99" not in one]
    for at_once in () if asked.no_time else (1, 8):
        told = asyncio.run(measured(at_once=at_once))
        printed(told)
        missed += too_slow(told)
    print("\n".join(missed) or "\nall bars are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
