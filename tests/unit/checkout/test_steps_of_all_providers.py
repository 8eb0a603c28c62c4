"""Whatever the providers of this house give a payer to do can be shown: their vectors say what that is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from quickkub.checkout.steps import read_step
from quickkub.connectors import registry
from quickkub.connectors.contract import Action, ActionKind
from quickkub.payments.view import action_view


def actions_in(said: Any) -> Iterator[Action]:
    """Every action written in a vector, as `[kind, value, {app_value, fields}?]`."""
    if isinstance(said, list):
        for one in said:
            yield from actions_in(one)
    if isinstance(said, dict):
        for name, one in said.items():
            if name == "action" and isinstance(one, list):
                kind, value, *more = one
                yield Action(ActionKind(kind), value, **(more[0] if more else {}))
            else:
                yield from actions_in(one)


@pytest.mark.parametrize("provider", registry.names())
def test_every_action_a_provider_is_known_to_give_can_be_shown(provider: str) -> None:
    vectors = sorted((registry.folder_of(provider) / "vectors").glob("*.json"))
    actions = [action for path in vectors for action in actions_in(json.loads(path.read_text("utf-8")))]
    assert actions
    for action in actions:
        step = read_step(action_view(action), "test")
        assert step is not None, action
        assert step.app_url or not action.app_value, action
