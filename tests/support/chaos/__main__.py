"""`python -m tests.support.chaos --seed 41 --seconds 60`: a storm by hand; exit status 1 when not passed."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import sys
from pathlib import Path

from tests.support.chaos.plan import Storm
from tests.support.chaos.storm import Weathered, weather
from tests.support.chaos.told import told
from tests.support.postgres import private_folder


def main() -> int:
    """Run it and print."""
    words = argparse.ArgumentParser(prog="storm")
    words.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    words.add_argument("--seconds", type=int, default=60)
    words.add_argument("--times", type=int, default=1, help="so many storms, of following seeds")
    words.add_argument("--keep", help="a folder for the processes' logs")
    said = words.parse_args()
    passed = True
    for seed in range(said.seed, said.seed + said.times):
        print(f"storm seed={seed} begins; repeat it with: make storm SEED={seed}", flush=True)
        with private_folder() as folder:
            result = asyncio.run(_one(Storm(seed, said.seconds), folder))
            if said.keep:
                shutil.copytree(
                    folder, said.keep, ignore=shutil.ignore_patterns("postgres"), dirs_exist_ok=True
                )
        print(told(result), flush=True)
        passed = passed and not result.wrong
    return 0 if passed else 1


async def _one(storm: Storm, folder: Path) -> Weathered:
    return await weather(storm, folder, asyncio.Lock())


if __name__ == "__main__":
    sys.exit(main())
