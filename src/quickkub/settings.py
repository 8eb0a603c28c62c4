"""What an operator sets, read once from the environment, with every weak or missing value told at once."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import ipaddress
import itertools
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret
from quickkub.storage.embedded import make_own_folder
from quickkub.storage.vault import read_key
from quickkub.storage.vault.private_file import write_private

PORT_DEFAULT: Final = 3002
SIMULATORS_PORT_DEFAULT: Final = 3110
PEPPER_LENGTH_MIN: Final = 32
PORT_MAX: Final = 65535
JWT_LENGTH_MIN: Final = 64
# The brief's own values: 100 requests in 15 minutes for callers without a key.
RATE_LIMIT_WINDOW_MS_DEFAULT: Final = 900_000
RATE_LIMIT_MAX_REQUESTS_DEFAULT: Final = 100
RATE_LIMIT_WINDOW_MS_MAX: Final = 24 * 3600 * 1000
RATE_LIMIT_MAX_REQUESTS_MAX: Final = 1_000_000
REDIS_SCHEMES: Final = ("redis", "rediss", "valkey", "valkeys", "unix")
SMTP_SCHEMES: Final = ("smtp", "smtps")
MAKE_JWT_SECRET: Final = "openssl rand -base64 64 | tr -d '\\n'"  # noqa: S105 -- a command, not a secret
MAKE_PEPPER: Final = "openssl rand -base64 48"

_COMMON_WORDS: Final = (
    "secret", "password", "passw0rd", "changeme", "change-me", "change_me", "quickkub", "example", "default",
    "production", "development", "your-", "your_", "letmein", "qwerty", "admin123", "keyboard", "12345678",
)  # fmt: skip
"""Long enough that chance does not write them into an encoding of random bytes."""


class BadSetting(Refusal):
    """A setting is missing, weak or not readable."""

    code, kind = "setting_invalid", Kind.INVALID


@dataclass(frozen=True, slots=True)
class Settings:
    """One gateway's settings. `database_url` None: the PostgreSQL in the box, in `data_dir`."""

    data_dir: Path
    database_url: str | None
    host: str
    port: int
    simulators_port: int
    public_url: str
    encryption_key: Secret
    key_pepper: Secret
    allow_local_webhooks: bool
    # Signs access tokens where a single node signs with a shared secret; 64 characters or more.
    jwt_secret: Secret
    # The root that blind indexes are derived from, apart from the ring: rotating a key keeps them valid.
    index_root: Secret
    # Numbered keys beyond the first; need not exist.
    key_ring_file: Path
    # Where signed heads of the audit chains go; best on a disk the database's user cannot write.
    anchor_dir: Path
    # Mail goes to the server named by `smtp_url`; without one it is written as files into `mail_dir`.
    mail_dir: Path
    smtp_url: Secret | None = None
    # None for a key that was given to us.
    encryption_key_made_at: datetime | None = None
    # For callers without a key, per address: so many requests in so many milliseconds.
    rate_limit_window_ms: int = RATE_LIMIT_WINDOW_MS_DEFAULT
    rate_limit_max_requests: int = RATE_LIMIT_MAX_REQUESTS_DEFAULT
    # What test keys may ask a second, where somebody measures or plays a day in a minute; None: as usual.
    test_rate: int | None = None
    # Where several processes count requests together; None: each counts alone.
    redis_url: str | None = None
    # Networks (CIDR) whose X-Forwarded-For is believed; nobody's where empty.
    trusted_proxies: tuple[str, ...] = ()
    # Where the worker shows its metrics, on loopback; 0 for nowhere.
    worker_metrics_port: int = 0


def default_data_dir(environment: Mapping[str, str]) -> Path:
    """Where data lives when nobody said: a folder of its own for root, the user's data folder otherwise."""
    said = environment.get("QUICKKUB_DATA_DIR")
    if said:
        return Path(said).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/quickkub")
    home = environment.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser().absolute() / "quickkub"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the environment; keys that are not set are made once and kept in the data folder.

    Raises BadSetting or WeakKey for the first that is wrong; `quickkub config check` tells of all.
    """
    data_dir = default_data_dir(environment)
    port = read_port(environment, "QUICKKUB_PORT", PORT_DEFAULT)
    public_url = read_public_url(environment, port)
    own = _own_secrets(data_dir, environment)
    smtp_url = read_url(environment, "SMTP_URL", SMTP_SCHEMES)
    return Settings(
        data_dir=data_dir,
        database_url=environment.get("DATABASE_URL") or None,
        host=environment.get("QUICKKUB_HOST", "127.0.0.1"),
        port=port,
        simulators_port=read_port(environment, "QUICKKUB_SIMULATORS_PORT", SIMULATORS_PORT_DEFAULT),
        public_url=public_url,
        encryption_key=_encryption_key(own["ENCRYPTION_KEY"]),
        key_pepper=read_pepper(own["QUICKKUB_KEY_PEPPER"]),
        allow_local_webhooks=read_local_webhooks(environment, public_url),
        jwt_secret=read_jwt_secret(own["JWT_SECRET"]),
        index_root=Secret(own["QUICKKUB_INDEX_ROOT"]),
        encryption_key_made_at=datetime.fromisoformat(own[_MADE_AT]) if _MADE_AT in own else None,
        key_ring_file=read_key_ring_file(environment),
        anchor_dir=_path(environment, "QUICKKUB_ANCHOR_DIR", data_dir / "anchors"),
        mail_dir=_path(environment, "QUICKKUB_MAIL_DIR", data_dir / "mail"),
        smtp_url=Secret(smtp_url) if smtp_url else None,
        rate_limit_window_ms=read_rate_limit_window(environment),
        rate_limit_max_requests=read_rate_limit_requests(environment),
        test_rate=read_test_rate(environment),
        redis_url=read_url(environment, "REDIS_URL", REDIS_SCHEMES),
        trusted_proxies=read_trusted_proxies(environment),
        worker_metrics_port=(
            read_port(environment, "QUICKKUB_WORKER_METRICS_PORT", PORT_DEFAULT)
            if environment.get("QUICKKUB_WORKER_METRICS_PORT")
            else 0
        ),
    )


def read_public_url(environment: Mapping[str, str], port: int) -> str:
    """Where payers and providers reach the gateway, without a slash at the end. Raises BadSetting."""
    name = "QUICKKUB_PUBLIC_URL"
    url = read_url(environment, name, ("http", "https")) or f"http://127.0.0.1:{port}"
    if "?" in url or "#" in url:
        raise BadSetting(f"{name} must be the address of a site, without a query", param=name)
    return url.rstrip("/")


def read_port(environment: Mapping[str, str], name: str, default: int) -> int:
    """A TCP port. Raises BadSetting."""
    return _number(environment, name, default, PORT_MAX, "a port number")


def read_rate_limit_window(environment: Mapping[str, str]) -> int:
    """The window requests are counted in, in milliseconds. Raises BadSetting."""
    return _number(
        environment,
        "RATE_LIMIT_WINDOW_MS",
        RATE_LIMIT_WINDOW_MS_DEFAULT,
        RATE_LIMIT_WINDOW_MS_MAX,
        "a whole number of milliseconds up to a day",
    )


def read_rate_limit_requests(environment: Mapping[str, str]) -> int:
    """How many requests a window takes. Raises BadSetting."""
    return _number(
        environment,
        "RATE_LIMIT_MAX_REQUESTS",
        RATE_LIMIT_MAX_REQUESTS_DEFAULT,
        RATE_LIMIT_MAX_REQUESTS_MAX,
        "a whole number of requests, 1 or more",
    )


def read_test_rate(environment: Mapping[str, str]) -> int | None:
    """What test keys may ask a second, None for as usual. Live keys are not moved. Raises BadSetting."""
    if not environment.get("QUICKKUB_TEST_RATE"):
        return None
    what = "a whole number of requests a second, 1 or more"
    return _number(environment, "QUICKKUB_TEST_RATE", 1, RATE_LIMIT_MAX_REQUESTS_MAX, what)


def _number(environment: Mapping[str, str], name: str, default: int, most: int, what: str) -> int:
    text = environment.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
        raise BadSetting(f"{name} must be {what}, not {text[:40]!r}", param=name)
    return int(text)


def read_url(environment: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str | None:
    """An address of one of these schemes, or None where it is not set. Raises BadSetting.

    The address is not repeated in the refusal: it may hold a password.
    """
    text = environment.get(name)
    if not text:
        return None
    try:
        parts = urlsplit(text)
        complete = parts.scheme in schemes and bool(parts.hostname or (parts.scheme == "unix" and parts.path))
        _ = parts.port
    except ValueError:
        complete = False
    if not complete:
        forms = ", ".join(f"{scheme}://" for scheme in schemes)
        raise BadSetting(f"{name} must be an address that begins with one of {forms}", param=name)
    return text


def read_trusted_proxies(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Networks of the proxies in front, divided by commas. Raises BadSetting."""
    name = "QUICKKUB_TRUSTED_PROXIES"
    texts = [text.strip() for text in environment.get(name, "").split(",") if text.strip()]
    try:
        return tuple(str(ipaddress.ip_network(text)) for text in texts)
    except ValueError as trouble:
        raise BadSetting(
            f"{name} must be a list of networks such as 10.0.0.0/8, divided by commas", param=name
        ) from trouble


def read_pepper(text: str) -> Secret:
    """What API keys are hashed with. Raises BadSetting and says how to make one."""
    if len(text) < PEPPER_LENGTH_MIN:
        raise BadSetting(
            f"QUICKKUB_KEY_PEPPER needs {PEPPER_LENGTH_MIN} characters or more; "
            f"make one with `{MAKE_PEPPER}`",
            param="QUICKKUB_KEY_PEPPER",
        )
    return Secret(text)


def _encryption_key(text: str) -> Secret:
    read_key(Secret(text))
    return Secret(text)


def read_jwt_secret(text: str) -> Secret:
    """What access tokens may be signed with. Raises BadSetting, which does not repeat it."""
    why = f"needs {JWT_LENGTH_MIN} characters or more" if len(text) < JWT_LENGTH_MIN else weakness(text)
    if why is not None:
        raise BadSetting(f"JWT_SECRET {why}; make one with `{MAKE_JWT_SECRET}`", param="JWT_SECRET")
    return Secret(text)


def weakness(text: str) -> str | None:
    """Why a long text is still easy to guess, as the end of a sentence; None when nothing was found."""
    pieces = {text[at : at + 4] for at in range(len(text) - 3)}
    steps = sum(abs(ord(one) - ord(next_)) == 1 for one, next_ in itertools.pairwise(text))
    if len(set(text)) < 10:  # noqa: PLR2004 -- 64 random hexadecimal digits have 15 or 16 different ones
        return "has too few different characters"
    if 2 * len(pieces) < len(text):
        return "repeats itself"
    if 2 * steps > len(text):
        return "is a sequence"
    if any(word in text.lower() for word in _COMMON_WORDS):
        return "contains a common word"
    return None


def read_key_ring_file(environment: Mapping[str, str]) -> Path:
    """Where the numbered keys are; the file need not exist."""
    return _path(environment, "QUICKKUB_KEY_RING_FILE", default_data_dir(environment) / "keys.json")


def _path(environment: Mapping[str, str], name: str, default: Path) -> Path:
    said = environment.get(name)
    return Path(said).expanduser().absolute() if said else default


def read_local_webhooks(environment: Mapping[str, str], public_url: str) -> bool:
    """Whether webhooks in test mode may go to this machine: only on a gateway that is itself only here.

    On one that serves others, a merchant could otherwise reach whatever listens on loopback.
    """
    said = environment.get("QUICKKUB_ALLOW_LOCAL_WEBHOOKS")
    if said is None:
        return urlsplit(public_url).hostname in {"127.0.0.1", "localhost", "::1"}
    if said not in {"0", "1"}:
        raise BadSetting(
            "QUICKKUB_ALLOW_LOCAL_WEBHOOKS must be 0 or 1", param="QUICKKUB_ALLOW_LOCAL_WEBHOOKS"
        )
    return said == "1"


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _new_word() -> str:
    return secrets.token_urlsafe(64)


_MADE: Final[Mapping[str, tuple[str, Callable[[], str]]]] = {
    "ENCRYPTION_KEY": ("encryption_key", _new_key),
    "QUICKKUB_KEY_PEPPER": ("key_pepper", _new_word),
    "JWT_SECRET": ("jwt_secret", _new_word),
    "QUICKKUB_INDEX_ROOT": ("index_root", _new_key),
}
"""A variable, its name in the file, and how it is made."""

_MADE_AT: Final = "encryption key made at"


def secrets_file(data_dir: Path) -> Path:
    """Where an installation keeps the keys it made for itself."""
    return data_dir / "secrets.json"


def _own_secrets(data_dir: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Keys of this installation by variable: those the environment names, the others made once and kept.

    Losing the file loses what they sealed, so what is in it is never overwritten.
    """
    given = {variable: environment.get(variable, "") for variable in _MADE}
    if all(given.values()):
        return given
    path = secrets_file(data_dir)
    kept = _kept(path)
    if any(not given[variable] and name not in kept for variable, (name, _) in _MADE.items()):
        make_own_folder(data_dir)
        with _alone(data_dir):
            kept = _kept(path)
            for variable, (name, make) in _MADE.items():
                if not given[variable] and name not in kept:
                    kept |= {name: make(), f"{name}_made_at": rfc3339(datetime.now(UTC))}
            write_private(path, json.dumps(kept))
    own = {variable: given[variable] or kept[name] for variable, (name, _) in _MADE.items()}
    made_at = kept.get("encryption_key_made_at")
    return own | ({_MADE_AT: made_at} if made_at and not given["ENCRYPTION_KEY"] else {})


def _kept(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    read: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return read


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Two processes that start at once must not make two keys, one of which is lost."""
    with (data_dir / "secrets.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
