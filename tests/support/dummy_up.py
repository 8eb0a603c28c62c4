"""`quickkub up` with dummy children: `python -m tests.support.dummy_up <folder> <port> <dsn>`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from quickkub.cli.gateway import Gateway, Welcome
from quickkub.cli.screen import Screen
from quickkub.cli.supervisor import Pace, python
from quickkub.cli.up import up
from quickkub.kernel.errors import Refusal


async def seed(dsn: str) -> Welcome:
    return Welcome("qk_test_1", [("API", "/v1")], "curl ...")


def main(folder: str, port: str, dsn: str | None = None, behaviour: str = "dummy_child") -> int:
    gateway = Gateway(
        data_dir=Path(folder),
        database_url=dsn or None,
        host="127.0.0.1",
        port=int(port),
        simulator_ports={},
        migrate=lambda dsn: None,
        seed=seed,
        serve=python("-m", f"tests.support.{behaviour}"),
    )
    try:
        asyncio.run(up(gateway, Screen(), pace=Pace(first_pause=0.05, grace=3)))
    except Refusal as refusal:
        print(refusal.detail, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
