"""What an entry says (security-reliability 5.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from quickkub.kernel.ids import MerchantId


class ActorKind(Enum):
    """Who acts: a person, an API key, an OAuth client, or the house itself (workers, commands)."""

    USER = "user"
    KEY = "key"
    CLIENT = "client"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from where, in which request. `id` is a `usr_`, `key_` or `cli_` id, or a job's name."""

    kind: ActorKind
    id: str | None = None
    role: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What was done. `merchant` None: an act of the platform, in the platform's chain.

    `action` is `noun.verb` (`settings.changed`, `key.rolled`); `outcome` is `done`, `refused` or `failed`;
    `before` and `after` are shown values, from which secrets and personal data are taken out on the way in.
    """

    action: str
    resource_type: str
    resource_id: str | None
    merchant: MerchantId | None = None
    mode: str | None = None
    outcome: str = "done"
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
