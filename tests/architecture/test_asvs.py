"""The ASVS table names every requirement once, and nothing that is not there."""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tools import asvs
from tools.tree import ROOT

Change: TypeAlias = Callable[[str], str]


def test_the_table_of_this_house_is_true_as_far_as_a_check_can_tell() -> None:
    assert asvs.trouble() == []


def test_the_goal_is_levels_1_and_2_and_what_is_about_money() -> None:
    whole = asvs.standard()
    levels = Counter(one.level for one in whole)
    assert (len(whole), levels["1"], levels["2"], levels["3"]) == (345, 70, 183, 92)
    asked = asvs.goal()
    assert {one.id for one in asked} == {one.id for one in whole if one.level != "3"} | asvs.MONEY
    assert len(asked) == 260


def test_a_claim_points_at_code_and_at_tests_that_exist() -> None:
    met = [one for one in asvs.standings().values() if one.status == asvs.MET]
    assert len(met) > 100
    names = asvs.test_names()
    assert all(one.code and one.tests and set(one.tests) <= names for one in met)


def test_the_page_and_the_package_have_every_requirement() -> None:
    rows = list(csv.DictReader((ROOT / asvs.SHIPPED).read_text(encoding="utf-8").splitlines()))
    assert [row["id"] for row in rows] == [one.id for one in asvs.goal()]
    page = asvs.page()
    assert all(f"| {one.id.removeprefix('V')} | {one.level} |" in page for one in asvs.goal())
    assert re.search(r"complian(?!ce)", page + (ROOT / asvs.TABLE).read_text(), re.IGNORECASE) is None


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small house with a standard of two requirements, one test and a table that fits."""
    security = tmp_path / "docs/security"
    security.mkdir(parents=True)
    shutil.copy(ROOT / asvs.STANDARD, security)
    lines = (security / "owasp-asvs-5.0.0.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (security / "owasp-asvs-5.0.0.csv").write_text("".join(lines[:3]), encoding="utf-8")
    (tmp_path / "shop.py").write_text("")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_shop.py").write_text("class Shop:\n    async def test_it_sells(self): ...\n")
    (security / "asvs.toml").write_text(
        '["V1.1.1"]\nstatus = "met"\ncode = ["shop.py"]\ntests = ["tests/test_shop.py::test_it_sells"]\n'
        '["V1.1.2"]\nstatus = "n/a"\nnote = "There is nothing to encode."\n',
        encoding="utf-8",
    )
    return tmp_path


def test_a_small_table_that_fits_is_let_through(house: Path) -> None:
    assert asvs.trouble(house) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("V1.1.2", "V1.1.3"), "V1.1.2: is asked for and not in the table"),
        (lambda text: text.replace("V1.1.2", "V1.1.3"), "V1.1.3: is in the table and not asked for"),
        (lambda text: text.replace('"met"', '"done"'), "'done' is none of"),
        (lambda text: text.replace("shop.py", "till.py"), "till.py is not there"),
        (lambda text: text.replace("it_sells", "it_buys"), "test_it_buys is no test"),
        (lambda text: re.sub(r"tests = .*\n", "", text), "nothing is met without code"),
        (lambda text: re.sub(r"code = .*\n", "", text), "nothing is met without code"),
        (lambda text: text.replace("There is nothing to encode.", "no"), "says why or what is missing"),
        (lambda text: text + 'code = ["shop.py"]\n', "has neither code nor tests"),
        (lambda text: text + 'owner = "somebody"\n', "nobody knows the field owner"),
        (
            lambda text: text.replace("V1.1.1", "x").replace("V1.1.2", "V1.1.1").replace("x", "V1.1.2"),
            "order",
        ),
    ],
)
def test_a_table_that_says_more_than_there_is_is_refused(house: Path, change: Change, said: str) -> None:
    path = house / asvs.TABLE
    before = path.read_text(encoding="utf-8")
    path.write_text(change(before), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    assert any(said in one for one in asvs.trouble(house))
