"""Rules as they are written and sent (JSON) into rules as they are evaluated, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from quickkub.fraud.model import Action, Band, Rule, RuleAction, RuleInvalid, RuleMode, RuleSet
from quickkub.fraud.tree import check_tree
from quickkub.kernel.clock import rfc3339

RULES_MAX: Final = 100
WEIGHT_MAX: Final = 1000
REASON_LETTERS_MAX: Final = 300
REVIEW_HOURS_MAX: Final = 24 * 30
_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ID_LETTERS_MAX: Final = 60
_OWNER_LETTERS_MAX: Final = 60
_RULE_WORDS: Final = frozenset(
    {"id", "version", "owner", "reason", "action", "weight", "mode", "expires_at", "when"}
)
_SET_WORDS: Final = frozenset({"rules", "bands", "review_hours", "on_expiry"})
_BAND_ACTIONS: Final = ("review", "challenge", "block")


def read_rule(said: Any, where: str = "rule") -> Rule:
    """One rule. Raises RuleInvalid with the place in `param`."""
    words = _object(said, _RULE_WORDS, where)
    reason = _object(words.get("reason"), frozenset({"en", "th"}), f"{where}.reason")
    rule_id = _text(words.get("id"), f"{where}.id", _ID_LETTERS_MAX)
    if _ID.fullmatch(rule_id) is None:
        raise RuleInvalid("must be small letters, digits and single hyphens", param=f"{where}.id")
    when: Any = words.get("when")
    check_tree(when, f"{where}.when")
    return Rule(
        id=rule_id,
        version=_whole(words.get("version", 1), f"{where}.version", 1, 1_000_000),
        owner=_text(words.get("owner"), f"{where}.owner", _OWNER_LETTERS_MAX),
        reason_en=_text(reason.get("en"), f"{where}.reason.en", REASON_LETTERS_MAX),
        reason_th=_text(reason.get("th"), f"{where}.reason.th", REASON_LETTERS_MAX),
        action=RuleAction(_one_of(words.get("action"), [a.value for a in RuleAction], f"{where}.action")),
        weight=_whole(words.get("weight", 0), f"{where}.weight", 0, WEIGHT_MAX),
        mode=RuleMode(_one_of(words.get("mode", "shadow"), [m.value for m in RuleMode], f"{where}.mode")),
        when=when,
        expires_at=_time(words.get("expires_at"), f"{where}.expires_at"),
    )


def read_rule_set(said: Any, version: int) -> RuleSet:
    """A whole set. Raises RuleInvalid with the place in `param`."""
    words = _object(said, _SET_WORDS, "rules")
    rules = _list(words.get("rules", []), "rules", RULES_MAX)
    read = tuple(read_rule(one, f"rules[{number}]") for number, one in enumerate(rules))
    ids = [rule.id for rule in read]
    for number, one in enumerate(ids):
        if one in ids[:number]:
            raise RuleInvalid(f"{one} is there twice", param=f"rules[{number}].id")
    bands = _list(words.get("bands", []), "bands", len(_BAND_ACTIONS))
    return RuleSet(
        version,
        read,
        tuple(_band(one, f"bands[{number}]") for number, one in enumerate(bands)),
        _whole(words.get("review_hours", 72), "review_hours", 1, REVIEW_HOURS_MAX),
        _one_of(words.get("on_expiry", "keep"), ["keep", "approve", "decline"], "on_expiry"),
    )


def show_rule(rule: Rule) -> dict[str, Any]:
    """The rule as it is written."""
    return {
        "id": rule.id,
        "version": rule.version,
        "owner": rule.owner,
        "reason": {"en": rule.reason_en, "th": rule.reason_th},
        "action": rule.action.value,
        "weight": rule.weight,
        "mode": rule.mode.value,
        "expires_at": rfc3339(rule.expires_at) if rule.expires_at else None,
        "when": rule.when,
    }


def show_rule_set(rules: RuleSet) -> dict[str, Any]:
    """The set as it is written; its version stands beside it."""
    return {
        "rules": [show_rule(rule) for rule in rules.rules],
        "bands": [{"at_least": band.at_least, "action": band.action.value} for band in rules.bands],
        "review_hours": rules.review_hours,
        "on_expiry": rules.on_expiry,
    }


def with_versions(wanted: RuleSet, before: RuleSet) -> RuleSet:
    """Each rule that differs from the one of the same id before gets the next version; nobody chooses it."""
    known = {rule.id: rule for rule in before.rules}
    rules = []
    for rule in wanted.rules:
        old = known.get(rule.id)
        if old is None:
            rules.append(replace(rule, version=1))
        else:
            same = replace(rule, version=old.version) == old
            rules.append(replace(rule, version=old.version + (0 if same else 1)))
    return replace(wanted, rules=tuple(rules))


def _band(said: Any, where: str) -> Band:
    words = _object(said, frozenset({"at_least", "action"}), where)
    return Band(
        _whole(words.get("at_least"), f"{where}.at_least", 1, 1_000_000),
        Action(_one_of(words.get("action"), list(_BAND_ACTIONS), f"{where}.action")),
    )


def _object(said: Any, words: frozenset[str], where: str) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise RuleInvalid("must be an object", param=where)
    unknown = sorted(str(name) for name in said if name not in words)
    if unknown:
        raise RuleInvalid(f"has no {unknown[0][:60]!r}", param=where)
    return said


def _list(said: Any, where: str, length_max: int) -> Sequence[Any]:
    if not isinstance(said, list) or len(said) > length_max:
        raise RuleInvalid(f"must be a list of at most {length_max}", param=where)
    return said


def _text(said: Any, where: str, letters_max: int) -> str:
    if not isinstance(said, str) or not said.strip() or len(said) > letters_max or not said.isprintable():
        raise RuleInvalid(f"must be a text of 1 to {letters_max} characters", param=where)
    return said


def _whole(said: Any, where: str, least: int, most: int) -> int:
    if not isinstance(said, int) or isinstance(said, bool) or not least <= said <= most:
        raise RuleInvalid(f"must be a whole number from {least} to {most}", param=where)
    return said


def _one_of(said: Any, words: list[str], where: str) -> str:
    if said not in words:
        raise RuleInvalid(f"must be one of {', '.join(words)}", param=where)
    return str(said)


def _time(said: Any, where: str) -> datetime | None:
    if said is None:
        return None
    try:
        at = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise RuleInvalid("must be a time such as 2026-11-23T03:33:12Z", param=where)
    return at.astimezone(UTC).replace(microsecond=0)
