"""Pages written from the code are as fresh as the code; every refusal has one code and one line in them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from quickkub.kernel.errors import Kind
from tests.support.planted import plant
from tools import generate_docs, pages
from tools.tree import ROOT


def test_the_generated_pages_are_fresh() -> None:
    assert generate_docs.stale(ROOT) == [], "run `make docs` and commit what it wrote"


def test_a_stale_missing_or_stray_page_is_noticed_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"docs/generated/a.md": lambda: "new\n", "docs/generated/b.md": lambda: "same\n"}
    monkeypatch.setattr(generate_docs, "GENERATORS", made)
    plant(tmp_path, {"docs/generated/b.md": "same\n", "docs/generated/gone.md": ""})
    wrong = ["docs/generated/a.md", "docs/generated/gone.md"]
    assert generate_docs.stale(tmp_path) == wrong
    assert generate_docs.rewrite(tmp_path) == wrong
    assert generate_docs.stale(tmp_path) == []
    plant(tmp_path, {"docs/generated/a.md": "edited by hand\n"})
    assert generate_docs.stale(tmp_path) == ["docs/generated/a.md"]


def test_each_refusal_has_a_code_of_its_own() -> None:
    codes = Counter(one.code for one in pages.house_refusals())
    assert [code for code, times in codes.items() if times > 1] == []


def test_each_refusal_says_its_code_its_kind_and_when_it_happens() -> None:
    for one in pages.house_refusals():
        assert "code" in vars(one), f"{one.__qualname__} needs a code of its own"
        assert one.code.replace("_", "").isalnum(), f"{one.code} is not lower_case_words"
        assert one.code == one.code.lower(), f"{one.code} is not lower_case_words"
        assert isinstance(one.kind, Kind)
        assert one.__doc__, f"{one.__qualname__} needs a sentence that says when it is raised"
