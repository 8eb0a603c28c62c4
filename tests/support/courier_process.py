"""A worker that only delivers webhooks, as a process of its own, so that a test can kill it with SIGKILL.

`python -m tests.support.courier_process <dsn>`.
"""

from __future__ import annotations

import asyncio
import sys

from quickkub.kernel.clock import SystemClock
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from quickkub.storage.vault import Vault
from quickkub.webhooks.flow import Courier
from quickkub.webhooks.guard import Guard, SystemResolver
from quickkub.webhooks.sender import HttpSender
from tests.support.webhooks import KEY


async def main(dsn: str) -> None:
    clock = SystemClock()
    db = await open_database(dsn, size_max=4, scope=HOUSE)
    sender = HttpSender(Guard(SystemResolver(), loopback_in_test_mode=True), clock, total_seconds=5)
    await Courier(db, sender, Vault({1: KEY}), clock).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
