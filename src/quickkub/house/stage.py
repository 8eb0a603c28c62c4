"""Where a demo is played: a gateway on a throw-away folder, its logs shown when somebody disagrees."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from quickkub.house.outside import Disagreement, RunningGateway, environment

Tell: TypeAlias = Callable[[str], None]
Story: TypeAlias = Callable[[RunningGateway, dict[str, Any], Tell], None]
"""Plays with a gateway that is ready and its demo shop. Raises Disagreement."""


def perform(story: Story, moral: str, *, keep: bool, out: TextIO) -> int:
    """Play a story. 0: everybody agrees, and the moral is told. 1: somebody does not, and it is said who."""
    folder = Path(tempfile.mkdtemp(prefix="quickkub-demo-"))
    folder.chmod(0o711)  # as root, PostgreSQL's own user must get through to its folder
    began = time.monotonic()

    def tell(line: str) -> None:
        out.write(f"[{time.monotonic() - began:5.1f} s] {line}\n")
        out.flush()

    try:
        _run(story, folder, tell)
        tell(moral)
        return 0
    except Disagreement as disagreement:
        tell(f"FAILED: {disagreement}")
        for log in sorted((folder / "log").glob("*.log")):
            out.write(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}\n")
        return 1
    finally:
        if keep:
            tell(f"The data is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _run(story: Story, folder: Path, tell: Tell) -> None:
    gateway = RunningGateway(folder)
    tell("Starting a gateway on a throw-away folder")
    try:
        shop = gateway.start()
        tell("The gateway is ready")
        story(gateway, shop, tell)
    except Disagreement:
        gateway.kill()
        raise
    gateway.stop()
    tell("The gateway has stopped and left nothing running")


def command(folder: Path, *words: str) -> str:
    """What a `quickkub` command says on this folder. Raises Disagreement for any exit status but 0."""
    done = subprocess.run(  # noqa: S603 -- our own program with our own words
        [sys.executable, "-m", "quickkub.main", *words],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Disagreement(f"quickkub {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout
