"""The entry: gives the commands the program they work on. Nothing imports this file."""

from __future__ import annotations

import sys

from quickkub.cli.app import build
from quickkub.house.wiring import HouseWiring
from quickkub.kernel.errors import Refusal


def run() -> None:
    """Run the command line. A refusal is told in one line, with exit status 1."""
    try:
        build(HouseWiring())()
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.code}: {refusal.detail}\n")
        sys.exit(1)


if __name__ == "__main__":
    run()
