"""The rules to begin with (security-reliability 6). Numbers are ours and meant to be changed after a
back-test.

Listed accounts and persons need no rule: lists are looked at first. The thresholds of
`just-under-a-threshold` are
those Thai law and banks are said to use (50,000, 100,000 and 2,000,000 baht); they are settings, not legal
advice.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from quickkub.fraud.model import RuleSet
from quickkub.fraud.reading import read_rule_set


def starter_words(mode: str = "shadow") -> dict[str, Any]:
    """The set as it is sent to the API, every rule in this mode. Begin in shadow and look at what it would
    do."""
    text = resources.files("quickkub.fraud").joinpath("starter_rules.json").read_text(encoding="utf-8")
    words: dict[str, Any] = json.loads(text)
    words["rules"] = [{"version": 1, "mode": mode, **rule} for rule in words["rules"]]
    return words


def starter_rules(mode: str = "shadow") -> RuleSet:
    """The set as it is evaluated."""
    return read_rule_set(starter_words(mode), 1)
