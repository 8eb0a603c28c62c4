"""Run the house rules that no other tool knows: `python -m tools.check [rule ...]`.

Prints every place where a rule is broken and what to write instead, and ends with 1 when there is one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools import (
    check_doors,
    check_hygiene,
    check_money,
    check_requirements,
    check_tests,
    check_transactions,
    check_vendored,
)
from tools.tree import ROOT, Finding

CHECKS: Final[dict[str, Callable[[Path], list[Finding]]]] = {
    "doors": check_doors.check,
    "money": check_money.check,
    "transactions": check_transactions.check,
    "tests": check_tests.check,
    "hygiene": check_hygiene.check,
    "vendored": check_vendored.check,
    "requirements": check_requirements.check,
}


def main(names: list[str]) -> int:
    """Run the named rules, or all; the number of broken places decides the exit status."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"no such rule: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
        return 2
    chosen = names or list(CHECKS)
    found = sorted({finding for name in chosen for finding in CHECKS[name](ROOT)})
    for finding in found:
        print(finding)
    print(f"house rules ({', '.join(chosen)}): {f'{len(found)} broken' if found else 'all kept'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
