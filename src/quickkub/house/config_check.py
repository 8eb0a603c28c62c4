"""Every weak, missing or malformed setting at once, with what mends it; a gateway's start stops at the first.

Nothing is written and nobody is asked: what the settings say is compared with what they have to say. A value
that may be a secret is never repeated.
"""

from __future__ import annotations

import ipaddress
import json
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from quickkub import settings
from quickkub.access.ground import read_rules
from quickkub.cli.wiring import ConfigFinding
from quickkub.kernel.errors import Refusal
from quickkub.kernel.secrets import Secret
from quickkub.privacy.periods import PERIODS, read_periods, variable
from quickkub.storage.blind_index import BlindIndex
from quickkub.storage.vault import read_key
from quickkub.storage.vault.ring_file import RingFile

MAKE_KEY: Final = "openssl rand -base64 32"
_VERIFIED: Final = {"require", "verify-ca", "verify-full"}
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

_MAKE: Final = {
    "ENCRYPTION_KEY": MAKE_KEY,
    "QUICKKUB_INDEX_ROOT": MAKE_KEY,
    "JWT_SECRET": settings.MAKE_JWT_SECRET,
    "QUICKKUB_KEY_PEPPER": settings.MAKE_PEPPER,
}


def config_findings(environment: Mapping[str, str]) -> list[ConfigFinding]:
    """All of them, in the order an operator sets things; empty on a bare machine that only serves itself."""
    found = [
        *_secrets(environment),
        *_files(environment),
        *_key_ring(environment),
        *_forms(environment),
        *_retention(environment),
        *_reached_from_outside(environment),
        *_database(environment),
    ]
    return list(dict.fromkeys(found))


def _secrets(environment: Mapping[str, str]) -> Iterator[ConfigFinding]:
    kept = _kept(settings.secrets_file(settings.default_data_dir(environment)))
    for name, make in _MAKE.items():
        said = environment.get(name)
        if said == "":
            yield ConfigFinding(name, "is set and empty", f"unset it, or make one with `{make}`")
        here = kept.get(_KEPT_AS[name])
        if not said and _shares_a_database(environment):
            yield ConfigFinding(
                name,
                "is not set, and the database is on another machine: a key made here dies with this one",
                "set it, on every machine, to "
                + ("what the file of secrets here holds" if here else f"one made with `{make}`"),
            )
        value = said or here
        if not value:
            continue
        why = _refused(partial(_STRONG[name], value))
        if why is None and name == "QUICKKUB_KEY_PEPPER":
            why = settings.weakness(value)
        if why is not None:
            yield ConfigFinding(name, why, f"make one with `{make}`")


_KEPT_AS: Final = {
    "ENCRYPTION_KEY": "encryption_key",
    "QUICKKUB_INDEX_ROOT": "index_root",
    "JWT_SECRET": "jwt_secret",
    "QUICKKUB_KEY_PEPPER": "key_pepper",
}
_STRONG: Final[Mapping[str, Callable[[str], object]]] = {
    "ENCRYPTION_KEY": lambda value: read_key(Secret(value)),
    "QUICKKUB_INDEX_ROOT": lambda value: BlindIndex(Secret(value)),
    "JWT_SECRET": settings.read_jwt_secret,
    "QUICKKUB_KEY_PEPPER": settings.read_pepper,
}


def _kept(path: Path) -> dict[str, str]:
    """What the installation made for itself; nothing where it made nothing, or where it cannot be read."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _refused(read: Callable[[], object], about: str | None = None) -> str | None:
    """Why a reader refuses, without the setting's name in front; only what is `about` that setting counts."""
    try:
        read()
    except Refusal as refusal:
        if about is not None and refusal.param != about:
            return None
        return refusal.detail.removeprefix(f"{refusal.param} ").partition("; make one with")[0]
    return None


def _files(environment: Mapping[str, str]) -> Iterator[ConfigFinding]:
    data_dir = settings.default_data_dir(environment)
    own = settings.secrets_file(data_dir)
    for name, path in {
        str(own): own,
        "QUICKKUB_KEY_RING_FILE": settings.read_key_ring_file(environment),
    }.items():
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & _OTHERS:
            yield ConfigFinding(name, "can be read by others on this machine", f"chmod 600 {path}")
    if own.exists() and not _kept(own):
        yield ConfigFinding(str(own), "cannot be read, or is no JSON object", "restore it from a backup")


def _key_ring(environment: Mapping[str, str]) -> Iterator[ConfigFinding]:
    name, path = "QUICKKUB_KEY_RING_FILE", settings.read_key_ring_file(environment)
    if not path.exists():
        if environment.get(name):
            yield ConfigFinding(
                name, "names a file that is not there", "bring it here, or unset the variable"
            )
        return
    kept = _kept(settings.secrets_file(settings.default_data_dir(environment)))
    first = environment.get("ENCRYPTION_KEY") or kept.get("encryption_key", "")
    if _refused(lambda: read_key(Secret(first))) is None:
        why = _refused(lambda: RingFile(path, read_key(Secret(first))).read())
        if why is not None:
            yield ConfigFinding(name, why, "restore the file, or ENCRYPTION_KEY, from a backup")


def _forms(environment: Mapping[str, str]) -> Iterator[ConfigFinding]:
    readers: dict[str, Callable[[], object]] = {
        "QUICKKUB_PORT": lambda: settings.read_port(environment, "QUICKKUB_PORT", settings.PORT_DEFAULT),
        "QUICKKUB_SIMULATORS_PORT": lambda: settings.read_port(
            environment, "QUICKKUB_SIMULATORS_PORT", settings.SIMULATORS_PORT_DEFAULT
        ),
        "RATE_LIMIT_WINDOW_MS": lambda: settings.read_rate_limit_window(environment),
        "RATE_LIMIT_MAX_REQUESTS": lambda: settings.read_rate_limit_requests(environment),
        "QUICKKUB_TEST_RATE": lambda: settings.read_test_rate(environment),
        "REDIS_URL": lambda: settings.read_url(environment, "REDIS_URL", settings.REDIS_SCHEMES),
        "SMTP_URL": lambda: settings.read_url(environment, "SMTP_URL", settings.SMTP_SCHEMES),
        "QUICKKUB_TRUSTED_PROXIES": lambda: settings.read_trusted_proxies(environment),
        "QUICKKUB_ALLOW_LOCAL_WEBHOOKS": lambda: settings.read_local_webhooks(
            environment, settings.read_public_url(environment, settings.PORT_DEFAULT)
        ),
    }
    for name in _OF_ACCESS:
        readers[name] = lambda: read_rules(environment, "")
    if environment.get("QUICKKUB_WORKER_METRICS_PORT"):
        readers["QUICKKUB_WORKER_METRICS_PORT"] = lambda: settings.read_port(
            environment, "QUICKKUB_WORKER_METRICS_PORT", settings.PORT_DEFAULT
        )
    for name, read in readers.items():
        why = _refused(read, name)
        if why is not None:
            yield ConfigFinding(name, why, f"correct it, for example {name}={_EXAMPLES[name]}")


def _retention(environment: Mapping[str, str]) -> Iterator[ConfigFinding]:
    """Each by itself: the reader stops at the first that is wrong."""
    for period in PERIODS:
        name = variable(period.kind)
        said = {name: environment.get(name, "")}
        why = _refused(partial(read_periods, said), name)
        if why is not None:
            settable = period.days is not None and not period.fixed
            remedy = f"correct it, for example {name}={period.days}" if settable else "unset it"
            yield ConfigFinding(name, why, remedy)


_OF_ACCESS: Final = {
    "QUICKKUB_OPEN_REGISTRATION": 0,
    "QUICKKUB_PASSWORD_MEMORY_MIB": 64,
    "QUICKKUB_PASSWORD_PASSES": 3,
}

_EXAMPLES: Final = _OF_ACCESS | {
    "QUICKKUB_PORT": settings.PORT_DEFAULT,
    "QUICKKUB_SIMULATORS_PORT": settings.SIMULATORS_PORT_DEFAULT,
    "QUICKKUB_WORKER_METRICS_PORT": 9102,
    "RATE_LIMIT_WINDOW_MS": settings.RATE_LIMIT_WINDOW_MS_DEFAULT,
    "RATE_LIMIT_MAX_REQUESTS": settings.RATE_LIMIT_MAX_REQUESTS_DEFAULT,
    "QUICKKUB_TEST_RATE": 10,
    "REDIS_URL": "rediss://cache.internal:6379/0",
    "SMTP_URL": "smtps://mail.internal:465",
    "QUICKKUB_TRUSTED_PROXIES": "10.0.0.0/8",
    "QUICKKUB_ALLOW_LOCAL_WEBHOOKS": 0,
}


def _reached_from_outside(environment: Mapping[str, str]) -> Iterator[ConfigFinding]:
    name = "QUICKKUB_PUBLIC_URL"
    try:
        parts = urlsplit(settings.read_public_url(environment, settings.PORT_DEFAULT))
    except settings.BadSetting as refusal:
        why = refusal.detail.removeprefix(f"{name} ")
        yield ConfigFinding(name, why, f"correct it, for example {name}=https://pay.example.co.th")
        return
    host = parts.hostname or ""
    if parts.scheme == "http" and not _is_here(host):
        yield ConfigFinding(
            name,
            "is not encrypted: what payers send can be read on the way",
            f"set it to https://{parts.netloc}",
        )
    if not environment.get(name) and not _is_here(environment.get("QUICKKUB_HOST") or "127.0.0.1"):
        yield ConfigFinding(
            name,
            "is not set, and QUICKKUB_HOST lets others in: links and callbacks would lead to nobody",
            "set it to the address payers and providers use, for example https://pay.example.co.th",
        )
    if environment.get("QUICKKUB_ALLOW_LOCAL_WEBHOOKS") == "1" and not _is_here(host):
        yield ConfigFinding(
            "QUICKKUB_ALLOW_LOCAL_WEBHOOKS",
            "lets merchants reach what listens on this machine's loopback",
            "unset it on a gateway that serves others",
        )


def _database(environment: Mapping[str, str]) -> Iterator[ConfigFinding]:
    name, url = "DATABASE_URL", environment.get("DATABASE_URL")
    if not url:
        return
    hosts = _database_hosts(url)
    if hosts is None:
        yield ConfigFinding(
            name,
            "is no address of a PostgreSQL",
            "set it, for example postgresql://user@host/quickkub?sslmode=verify-full",
        )
        return
    said = parse_qs(urlsplit(url).query).get("sslmode", [environment.get("PGSSLMODE", "")])[-1]
    if not all(_is_here(host) for host in hosts) and said not in _VERIFIED:
        yield ConfigFinding(
            name,
            "names another machine without asking for TLS",
            "add ?sslmode=verify-full (and sslrootcert=) to it, or at least ?sslmode=require",
        )


def _database_hosts(url: str) -> list[str] | None:
    """The machines a database address names; a folder is a socket on this one. None: it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in {"postgres", "postgresql"}:
        return None
    named = parse_qs(parts.query).get("host")
    where = named[-1] if named else parts.netloc.rpartition("@")[2]
    return [_without_port(host) for host in where.split(",") if host] or ["localhost"]


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.startswith("/") or host.count(":") > 1 else host.partition(":")[0]


def _shares_a_database(environment: Mapping[str, str]) -> bool:
    hosts = _database_hosts(environment.get("DATABASE_URL") or "postgresql://localhost")
    return not all(_is_here(host) for host in hosts or [])


def _is_here(host: str) -> bool:
    """Whether a name means this machine alone, or a socket's folder on it."""
    if host.startswith("/") or host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
