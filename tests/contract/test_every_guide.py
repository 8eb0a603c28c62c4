"""Each provider's simulator has a guide with which somebody can use it who has never heard of QuickKub."""

from __future__ import annotations

from pathlib import Path

import pytest

from quickkub.connectors import registry

GUIDES = Path(__file__).parents[2] / "docs/guide"
LONG = 80
"""A credential with more letters, such as a key in PEM, is printed at the start; no guide needs it."""


@pytest.mark.parametrize("provider", registry.names())
def test_the_guide_says_how_it_is_started_with_what_it_is_used_and_what_it_speaks(provider: str) -> None:
    manifest, simulator = registry.providers()[provider], registry.simulator(provider)({})
    guide = GUIDES / f"{provider}-simulator.md"
    assert guide.exists(), f"docs/guide/{guide.name} is missing"
    text = guide.read_text(encoding="utf-8")
    assert f"quickkub simulators up {provider}" in text
    assert f":{manifest.simulator_port}" in text
    for name, value in manifest.simulator_credentials.items():
        assert len(value) > LONG or value in text, name
    for operation in simulator.operations():
        if operation.method != "*" and not operation.name.startswith("page"):  # pages are the payer's
            assert _stem(operation.path) in text, f"{operation.name} ({operation.path}) has no example"


def _stem(path: str) -> str:
    """The path up to its first parameter, without a slash at the end."""
    return path.partition("{")[0].rstrip("/")
