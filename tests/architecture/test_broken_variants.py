"""The tests are tested: a guard of the money engine that is taken away is missed by the test named for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.planted import plant
from tests.support.postgres import TestServer
from tools import variants
from tools.tree import ROOT
from tools.variant_list import VARIANTS, Change, Variant
from tools.variants import Verdict

THE_EIGHT = {
    "no-lock",
    "no-unique-index",
    "call-before-write",
    "timeout-is-failed",
    "new-reference-on-retry",
    "event-outside-the-transaction",
    "cursor-by-id-alone",
    "no-fencing-token",
}
"""What security-reliability section 4 lists; the rest is ours."""


@pytest.fixture(scope="module")
def copy() -> Iterator[Path]:
    with variants.copy_of_the_tree() as found:
        yield found


def named(variant: Variant) -> str:
    return variant.name


def test_the_eight_that_are_asked_for_are_there_and_no_name_is_given_twice() -> None:
    names = [variant.name for variant in VARIANTS]
    assert set(names) > THE_EIGHT and len(names) == len(set(names))


@pytest.mark.parametrize("variant", VARIANTS, ids=named)
def test_each_broken_variant_is_caught_by_its_test(
    variant: Variant, copy: Path, postgres_server: TestServer
) -> None:
    tried = variants.try_variant(copy, variant, postgres_server.dsn)
    assert tried.verdict is Verdict.CAUGHT, tried.words


def test_the_same_tests_pass_where_nothing_is_broken(copy: Path, postgres_server: TestServer) -> None:
    run = variants.run_tests(copy, sorted({one.caught_by for one in VARIANTS}), postgres_server.dsn)
    assert run.code == 0, run.words
    assert variants.is_of(copy, run) and set(run.tests.values()) == {"passed"}


# --- the judge ---

GOOD = "def test_it() -> None:\n    assert True\n"


def judged(root: Path, test: str, change: Change = ("code.py", "a", "b")) -> Verdict:
    """What is said of a made-up variant in a made-up tree."""
    files = {
        "code.py": "x = 'a'\n",
        "src/quickkub/__init__.py": "",
        "pyproject.toml": "",
        "test_code.py": f"import quickkub\n\n{test}",
        "tools/__init__.py": "",
        "tools/variant_witness.py": (ROOT / "tools/variant_witness.py").read_text(encoding="utf-8"),
    }
    plant(root, files)
    before = (root / "code.py").read_text(encoding="utf-8")
    tried = variants.try_variant(root, Variant("made-up", "", (change,), "test_code.py::test_it"))
    assert (root / "code.py").read_text(encoding="utf-8") == before, "every change is taken back"
    return tried.verdict


def test_a_test_that_passes_lets_a_variant_survive(tmp_path: Path) -> None:
    assert judged(tmp_path, GOOD) is Verdict.SURVIVED


def test_a_test_that_fails_by_its_own_words_catches(tmp_path: Path) -> None:
    test = GOOD.replace("True", "open('code.py').read() == \"x = 'a'\\n\"")
    assert judged(tmp_path, test) is Verdict.CAUGHT


@pytest.mark.parametrize(
    "test",
    [
        "def test_of_another_name() -> None:\n    assert True\n",
        "import nothing_of_that_name\n\n" + GOOD,
        "import pytest\n\n@pytest.fixture(autouse=True)\ndef away() -> None:\n    raise OSError\n\n\n" + GOOD,
        "import pytest\n\n@pytest.mark.skip(reason='not today')\n" + GOOD,
    ],
    ids=["is not there", "cannot be read", "could not start", "was skipped"],
)
def test_a_test_that_did_not_judge_breaks_the_variant(tmp_path: Path, test: str) -> None:
    assert judged(tmp_path, test) is Verdict.BROKEN


@pytest.mark.parametrize("old", ["not there", "'"])
def test_a_text_that_does_not_stand_there_once_breaks_the_variant(tmp_path: Path, old: str) -> None:
    assert judged(tmp_path, GOOD, ("code.py", old, "b")) is Verdict.BROKEN


def test_a_run_against_another_quickkub_than_the_copy_breaks_the_variant(tmp_path: Path) -> None:
    elsewhere = GOOD.replace("True", "not setattr(quickkub, '__file__', '/elsewhere/quickkub/__init__.py')")
    assert judged(tmp_path, elsewhere) is Verdict.BROKEN
