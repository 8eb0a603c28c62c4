"""The key ring on disk: a private JSON file, changed under a lock and read again when it changed.

Without the file the ring is the one key in ENCRYPTION_KEY. With it, that key is a line of the file without
the key itself, recognised by its fingerprint, so that another ENCRYPTION_KEY is noticed before anything is
sealed.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret
from quickkub.storage.vault.private_file import write_private
from quickkub.storage.vault.ring import FIRST, KeyState, Ring, RingKey, fingerprint
from quickkub.storage.vault.sealing import Keys, WeakKey, read_key

_FORM: Final = 1
_Stamp: TypeAlias = tuple[int, int, int]


class RingUnreadable(Refusal):
    """The key ring's file is damaged, or ENCRYPTION_KEY is not the key it was made with."""

    code, kind = "key_ring_unreadable", Kind.UNAVAILABLE


class RingFile:
    """The ring in `path`, with `first`, the key from ENCRYPTION_KEY, as its number 1.

    `first_created` is when that was made, if anybody knows.
    """

    def __init__(self, path: Path, first: bytes, *, first_created: datetime | None = None) -> None:
        self.path = path
        self._first = RingKey(
            FIRST, KeyState.ACTIVE, fingerprint(first), first, kept_in_file=False, created_at=first_created
        )
        self._seen: tuple[_Stamp | None, Keys] | None = None

    def read(self) -> Ring:
        """The ring as it is now. Raises RingUnreadable."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Ring((self._first,))
        except (OSError, UnicodeDecodeError) as trouble:
            raise RingUnreadable(f"{self.path.name} cannot be read ({type(trouble).__name__})") from trouble
        try:
            said = json.loads(text)
            ring = Ring(tuple(self._key(line) for line in said["keys"]))
        except (ValueError, KeyError, TypeError, WeakKey) as trouble:
            raise RingUnreadable(
                f"{self.path.name} is not a key ring ({type(trouble).__name__})"
            ) from trouble
        if said.get("form") != _FORM:
            raise RingUnreadable(f"{self.path.name} is written in a form this version does not know")
        numbers = [one.number for one in ring.keys]
        if len(set(numbers)) != len(numbers) or [one.state for one in ring.keys].count(KeyState.ACTIVE) != 1:
            raise RingUnreadable(f"{self.path.name} needs one active key and each number once")
        return ring

    def keys(self) -> Keys:
        """The usable keys, read again only when the file changed. Raises RingUnreadable."""
        stamp = self._stamp()
        if self._seen is None or self._seen[0] != stamp:
            self._seen = (stamp, self.read().usable())
        return self._seen[1]

    def change(self, how: Callable[[Ring], Ring]) -> Ring:
        """Write what `how` makes of the ring, alone among processes. Raises RingUnreadable."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone():
            ring = how(self.read())
            write_private(
                self.path, json.dumps({"form": _FORM, "keys": [_line(k) for k in ring.keys]}, indent=2)
            )
        return ring

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self.path.with_name(f"{self.path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _stamp(self) -> _Stamp | None:
        try:
            seen = self.path.stat()
        except OSError:
            return None
        return seen.st_ino, seen.st_mtime_ns, seen.st_size

    def _key(self, line: dict[str, Any]) -> RingKey:
        state, number = KeyState(line["state"]), line["number"]
        if type(number) is not int:
            raise TypeError(number)
        key: bytes | None = None
        in_file = bool(line.get("kept_in_file", True))
        if state is not KeyState.RETIRED:
            key = read_key(Secret(line["key"])) if in_file else self._first.key
            if key is None or fingerprint(key) != line["fingerprint"]:
                raise RingUnreadable(
                    f"key {number} of {self.path.name} is not the one it was made with"
                    + ("" if in_file else "; set ENCRYPTION_KEY to what it was")
                )
        return RingKey(
            number,
            state,
            str(line["fingerprint"]),
            key,
            kept_in_file=in_file,
            created_at=_time(line.get("created_at")),
            opening_since=_time(line.get("opening_since")),
            retired_at=_time(line.get("retired_at")),
        )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _line(one: RingKey) -> dict[str, Any]:
    line: dict[str, Any] = {
        "number": one.number,
        "state": one.state.value,
        "fingerprint": one.fingerprint,
        "kept_in_file": one.kept_in_file,
    }
    for name in ("created_at", "opening_since", "retired_at"):
        moment: datetime | None = getattr(one, name)
        line[name] = rfc3339(moment) if moment else None
    if one.key is not None and one.kept_in_file:
        line["key"] = _encoded(one.key)
    return line


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()
