"""A rule's condition: a tree of all, any, not and comparisons, with bounds, evaluated in three values.

{"all": [{"field": "card.10m.count", "operator": "at_least", "value": 5}, {"not": {...}}]}

A value may be another field:
{"field": "card_country", "operator": "differs", "value": {"field": "payer_country"}}.
A comparison with something unknown is unknown, and so is what depends on it (Kleene's logic): a rule is never
true because something is missing. There is no code in a rule and nothing here runs any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from quickkub.fraud.fields import FIELDS, NUMBER, TEXT, TRUTH, Field
from quickkub.fraud.model import Inputs, RuleInvalid, Truth, Value

DEPTH_MAX: Final = 8
NODES_MAX: Final = 60
VALUES_MAX: Final = 200
TEXT_MAX: Final = 100
_NUMBER_MAX: Final = 10**15

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN

Compare: TypeAlias = "Callable[[Any, Any], bool]"

_OF_ONE: Final[Mapping[str, tuple[frozenset[str], Compare]]] = {
    "equals": (frozenset({NUMBER, TEXT, TRUTH}), lambda left, right: bool(left == right)),
    "differs": (frozenset({NUMBER, TEXT, TRUTH}), lambda left, right: bool(left != right)),
    "at_least": (frozenset({NUMBER}), lambda left, right: bool(left >= right)),
    "at_most": (frozenset({NUMBER}), lambda left, right: bool(left <= right)),
    "above": (frozenset({NUMBER}), lambda left, right: bool(left > right)),
    "below": (frozenset({NUMBER}), lambda left, right: bool(left < right)),
    "starts_with": (frozenset({TEXT}), lambda left, right: bool(left.startswith(right))),
    "ends_with": (frozenset({TEXT}), lambda left, right: bool(left.endswith(right))),
}
_OF_MANY: Final[Mapping[str, Compare]] = {
    "one_of": lambda left, right: left in right,
    "none_of": lambda left, right: left not in right,
}
_OF_NONE: Final = ("is_known", "is_unknown")
OPERATORS: Final = (*_OF_ONE, *_OF_MANY, *_OF_NONE)
_ON_PERSONAL: Final = frozenset({"equals", "differs", *_OF_NONE})


def check_tree(tree: Any, where: str) -> None:
    """Raises RuleInvalid, naming the place, unless the tree is one that `holds` can evaluate."""
    left = [NODES_MAX]
    _check(tree, where, 1, left)


def _check(tree: Any, where: str, depth: int, left: list[int]) -> None:
    left[0] -= 1
    if left[0] < 0:
        raise RuleInvalid(f"has more than {NODES_MAX} parts", param=where)
    if depth > DEPTH_MAX:
        raise RuleInvalid(f"is nested deeper than {DEPTH_MAX}", param=where)
    if not isinstance(tree, dict):
        raise RuleInvalid("must be an object", param=where)
    match list(tree):
        case [("all" | "any") as word]:
            parts = tree[word]
            if not isinstance(parts, list) or not parts:
                raise RuleInvalid("must be a list of at least one condition", param=f"{where}.{word}")
            for number, part in enumerate(parts):
                _check(part, f"{where}.{word}[{number}]", depth + 1, left)
        case ["not"]:
            _check(tree["not"], f"{where}.not", depth + 1, left)
        case names if (
            "field" in names and "operator" in names and set(names) <= {"field", "operator", "value"}
        ):
            _check_comparison(tree, where)
        case _:
            raise RuleInvalid("must be one of all, any, not, or field with operator and value", param=where)


def _check_comparison(tree: Mapping[str, Any], where: str) -> None:
    name, operator = tree["field"], tree["operator"]
    field = FIELDS.get(name) if isinstance(name, str) else None
    if field is None:
        raise RuleInvalid(f"there is no field {str(name)[:TEXT_MAX]!r}", param=f"{where}.field")
    if operator not in OPERATORS:
        raise RuleInvalid(f"must be one of {', '.join(OPERATORS)}", param=f"{where}.operator")
    if field.personal and operator not in _ON_PERSONAL:
        raise RuleInvalid(f"{name} is kept hashed; use a list to name somebody", param=f"{where}.operator")
    if operator in _OF_NONE:
        if "value" in tree:
            raise RuleInvalid(f"{operator} takes no value", param=f"{where}.value")
        return
    if "value" not in tree:
        raise RuleInvalid("is missing", param=f"{where}.value")
    _check_value(field, operator, tree["value"], f"{where}.value")


def _check_value(field: Field, operator: str, value: Any, where: str) -> None:
    if operator in _OF_MANY:
        if not isinstance(value, list) or not 1 <= len(value) <= VALUES_MAX:
            raise RuleInvalid(f"must be a list of 1 to {VALUES_MAX} values", param=where)
        for number, one in enumerate(value):
            _check_kind(field, one, f"{where}[{number}]")
        return
    if field.kind not in _OF_ONE[operator][0]:
        raise RuleInvalid(f"{operator} does not go with {field.name}, a {field.kind}", param=where)
    if isinstance(value, dict):
        other = (
            FIELDS.get(value["field"])
            if list(value) == ["field"] and isinstance(value["field"], str)
            else None
        )
        if other is None or other.kind != field.kind or other.personal != field.personal:
            raise RuleInvalid(f"must name a field like {field.name}", param=where)
        return
    if field.personal:
        raise RuleInvalid(f"{field.name} is kept hashed; use a list to name somebody", param=where)
    _check_kind(field, value, where)


def _check_kind(field: Field, value: Any, where: str) -> None:
    match field.kind:
        case "number":
            fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _NUMBER_MAX
        case "truth":
            fits = isinstance(value, bool)
        case _:
            fits = isinstance(value, str) and 1 <= len(value) <= TEXT_MAX
    if not fits:
        raise RuleInvalid(f"must be a {field.kind}, as {field.name} is", param=where)


def holds(tree: Mapping[str, Any], inputs: Inputs) -> Truth:
    """Whether a checked tree is true of what is known."""
    if "all" in tree:
        return _all(tree["all"], inputs)
    if "any" in tree:
        return _not(_all([{"not": part} for part in tree["any"]], inputs))
    if "not" in tree:
        return _not(holds(tree["not"], inputs))
    return _compare(tree, inputs)


def _all(parts: Sequence[Mapping[str, Any]], inputs: Inputs) -> Truth:
    found = YES
    for part in parts:
        match holds(part, inputs):
            case Truth.NO:
                return NO
            case Truth.UNKNOWN:
                found = UNKNOWN
            case Truth.YES:
                pass
    return found


def _not(truth: Truth) -> Truth:
    return {YES: NO, NO: YES, UNKNOWN: UNKNOWN}[truth]


def _compare(tree: Mapping[str, Any], inputs: Inputs) -> Truth:
    left: Value | None = inputs.get(tree["field"])
    operator = tree["operator"]
    if operator in _OF_NONE:
        return YES if (left is not None) is (operator == "is_known") else NO
    right = tree["value"]
    if isinstance(right, dict):
        right = inputs.get(right["field"])
    if left is None or right is None:
        return UNKNOWN
    compare = _OF_MANY[operator] if operator in _OF_MANY else _OF_ONE[operator][1]
    return YES if compare(left, right) else NO


def fields_of(tree: Mapping[str, Any]) -> set[str]:
    """The fields a checked tree looks at."""
    if "not" in tree:
        return fields_of(tree["not"])
    if "field" in tree:
        right = tree.get("value")
        return {tree["field"]} | ({right["field"]} if isinstance(right, dict) else set())
    return {name for part in tree.get("all", tree.get("any", ())) for name in fields_of(part)}
