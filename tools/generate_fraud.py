"""docs/generated/fraud-rules.md: the starter rules, and everything a rule may look at, from the code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from quickkub.fraud.fields import DIRECT
from quickkub.fraud.starter import starter_rules
from quickkub.fraud.tree import DEPTH_MAX, NODES_MAX, OPERATORS
from quickkub.fraud.velocity import KEY_KINDS, MEASURES, PAIRS, WINDOWS
from tools.markdown import WRITTEN, table


def page() -> str:
    """The page's text."""
    rules = starter_rules()
    told = [
        [f"`{rule.id}`", rule.action.value, str(rule.weight), rule.reason_en, rule.reason_th]
        for rule in rules.rules
    ]
    bands = ", ".join(f"{band.action.value} from {band.at_least}" for band in rules.bands)
    fields = [
        [f"`{field.name}`", field.kind + (", hashed" if field.personal else ""), field.says]
        for field in DIRECT
    ]
    partners = [
        [f"`{kind}`", ", ".join(f"`{kind}.10m.{partner}s`" for partner in with_whom)]
        for kind, with_whom in PAIRS.items()
    ]
    return (
        WRITTEN + "# Fraud rules\n\n"
        "## Starter rules\n\n"
        f"Score bands: {bands}. Weights of all true rules are added.\n\n"
        + table(["rule", "action", "weight", "reason", "เหตุผล"], told)
        + "\n## Their conditions\n\n"
        + "".join(f"- `{rule.id}`: `{_short(rule.when)}`\n" for rule in rules.rules)
        + "\n## Fields\n\n"
        + table(["field", "kind", "what it is"], fields)
        + f"\nOperators: {_named(OPERATORS)}. A tree has up to {NODES_MAX} parts and {DEPTH_MAX} levels.\n\n"
        "## Velocity\n\n"
        f"`KEY.WINDOW.MEASURE`, such as `card.10m.count`. Keys: {_named(KEY_KINDS)}. "
        f"Windows: {_named([window.name for window in WINDOWS])}. Measures: {_named(MEASURES)}. "
        "A window covers at least its name and at most a bucket more, and the payment that is looked at.\n\n"
        "Whose distinct number is counted:\n\n" + table(["key", "fields (in every window)"], partners)
    )


def _named(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _short(when: Any) -> str:
    return json.dumps(when, ensure_ascii=False, separators=(",", ":"))
