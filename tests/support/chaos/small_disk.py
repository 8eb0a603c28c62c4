"""A disk so small that a test can fill it: a memory file system, where we may mount one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


class CannotMount(Exception):
    """Mounting takes rights that we do not have here; the text says what was said."""


@contextlib.contextmanager
def small_disk(place: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of its own of this size. Raises CannotMount."""
    mount = shutil.which("mount")
    if mount is None:
        raise CannotMount("there is no command to mount with")
    place.mkdir()
    words = [mount, "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0711", "tmpfs", str(place)]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        raise CannotMount(mounted.stderr.strip())
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(ballast: Path) -> None:
    """Take all the room there is."""
    room = os.statvfs(ballast.parent)
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        file.write(b"\0" * (room.f_bavail * room.f_frsize + 1))
