"""What an operator sets, read once from the environment, with every weak or missing value told at once."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret
from quickkub.storage.embedded import make_own_folder

PORT_DEFAULT: Final = 3002
SIMULATORS_PORT_DEFAULT: Final = 3110
PEPPER_LENGTH_MIN: Final = 32
PORT_MAX: Final = 65535


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

    Raises BadSetting for a port that is no port and for a pepper that is too short.
    """
    data_dir = default_data_dir(environment)
    port = _port(environment, "QUICKKUB_PORT", PORT_DEFAULT)
    public_url = environment.get("QUICKKUB_PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/")
    made = _own_secrets(data_dir, environment)
    pepper = environment.get("QUICKKUB_KEY_PEPPER") or made["key_pepper"]
    if len(pepper) < PEPPER_LENGTH_MIN:
        raise BadSetting(
            f"QUICKKUB_KEY_PEPPER needs {PEPPER_LENGTH_MIN} characters or more; "
            "make one with `openssl rand -base64 48`",
            param="QUICKKUB_KEY_PEPPER",
        )
    return Settings(
        data_dir=data_dir,
        database_url=environment.get("DATABASE_URL") or None,
        host=environment.get("QUICKKUB_HOST", "127.0.0.1"),
        port=port,
        simulators_port=_port(environment, "QUICKKUB_SIMULATORS_PORT", SIMULATORS_PORT_DEFAULT),
        public_url=public_url,
        encryption_key=Secret(environment.get("ENCRYPTION_KEY") or made["encryption_key"]),
        key_pepper=Secret(pepper),
        allow_local_webhooks=_local_webhooks(environment, public_url),
        worker_metrics_port=(
            _port(environment, "QUICKKUB_WORKER_METRICS_PORT", PORT_DEFAULT)
            if environment.get("QUICKKUB_WORKER_METRICS_PORT")
            else 0
        ),
    )


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= PORT_MAX):
        raise BadSetting(f"{name} is a port number, not {text!r}", param=name)
    return int(text)


def _local_webhooks(environment: Mapping[str, str], public_url: str) -> bool:
    """Whether webhooks in test mode may go to this machine: only on a gateway that is itself only here.

    On one that serves others, a merchant could otherwise reach whatever listens on loopback.
    """
    said = environment.get("QUICKKUB_ALLOW_LOCAL_WEBHOOKS")
    if said is None:
        return urlsplit(public_url).hostname in {"127.0.0.1", "localhost", "::1"}
    if said not in {"0", "1"}:
        raise BadSetting("QUICKKUB_ALLOW_LOCAL_WEBHOOKS is 0 or 1", param="QUICKKUB_ALLOW_LOCAL_WEBHOOKS")
    return said == "1"


def _own_secrets(data_dir: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Keys of this installation. Losing the file loses what they sealed, so it is never overwritten."""
    if environment.get("ENCRYPTION_KEY") and environment.get("QUICKKUB_KEY_PEPPER"):
        return {"encryption_key": "", "key_pepper": ""}
    path = data_dir / "secrets.json"
    if not path.exists():
        make_own_folder(data_dir)
        made = {
            "encryption_key": base64.b64encode(secrets.token_bytes(32)).decode(),
            "key_pepper": secrets.token_urlsafe(48),
        }
        write_private(path, json.dumps(made))
    read: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return read


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
