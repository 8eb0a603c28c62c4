"""A rotation of keys as a process of its own, so that a test can kill it with SIGKILL in the middle.

`python -m tests.support.rotating_process <dsn> <ring file> <first key in hex>` prints a line for each value.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from quickkub.house.keys import key_office
from quickkub.storage.resealing import Resealed
from quickkub.storage.vault.ring_file import RingFile


async def main(dsn: str, path: str, first: str) -> None:
    async with key_office(dsn, RingFile(Path(path), bytes.fromhex(first))) as office:
        await office.rotate(batch=1, told=_say)


def _say(result: Resealed) -> None:
    print(result.total, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
