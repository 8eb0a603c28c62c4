"""What the first pages a newcomer reads say of providers and guides is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quickkub.connectors import registry

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("provider", registry.names())
def test_the_front_page_lists_every_provider_with_its_simulator_in_both_languages(provider: str) -> None:
    manifest = registry.providers()[provider]
    rows = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    told = [row for row in rows if f"`{provider}`" in row and f":{manifest.simulator_port}>" in row]
    assert len(told) == 2, f"README.md has no row of {provider} in English and in Thai: {told}"


@pytest.mark.parametrize("folder", ["guide", "generated"])
def test_the_list_of_documents_has_every_page(folder: str) -> None:
    listed = set(re.findall(rf"\(({folder}/[^)#]+)\)", (ROOT / "docs/README.md").read_text(encoding="utf-8")))
    pages = {f"{folder}/{page.name}" for page in (ROOT / "docs" / folder).iterdir()}
    assert pages <= listed, f"docs/README.md does not link {sorted(pages - listed)}"
