"""QR payloads built and parsed per CPU second on one core, beside the Python libraries of the package index.

    python bench/promptpay.py [--rounds 7] [--seconds 0.5] [--with-others]

Each figure is the median of the rounds, with the slowest and the fastest round beside it. The rows take turns
round by round, so that a busy machine is unkind to all of them, and CPU seconds of this process are counted
rather than seconds on the wall. `pinned` is one payment, mobile 0812345678 and 100.00 baht; `varied` goes
round 1,000 different ones: three kinds of receiver, bills, static and dynamic, with and without names, in
three orders.

`--with-others` makes a throw-away virtual environment outside the project, installs the other libraries there
and removes it afterwards. Without it, a library that cannot be imported is named as not installed. They do
less: the builders refuse no wrong amount or receiver, and the parser knows nothing of PromptPay.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import quickkub
from quickkub.kernel.money import Money
from quickkub.promptpay import (
    BillPayment,
    CreditTransfer,
    Details,
    build,
    ewallet,
    mobile,
    parse_payment,
    read_baht,
    restate,
    tax_id,
)
from quickkub.promptpay.crc import checksum
from quickkub.promptpay.model import NO_DETAILS
from quickkub.promptpay.tlv import put_all

OTHERS = ("promptpay", "promptpay-qr", "konthaina-khqr")
PINNED = "00020101021229370016A0000006770101110113006681234567853037645406100.005802TH6304F142"
BATCH = 200
VARIED = 1000


class Row(NamedTuple):
    """One line of the table: what is called, over and over, and whether we hold it to a target."""

    what: str
    name: str
    run: Callable[[], object]
    target: int | None = None


def varied() -> list[CreditTransfer | BillPayment]:
    """Payments as shops have them, the same ones every time."""
    dice = random.Random(20261123)
    return [_payment(dice) for _ in range(VARIED)]


def _payment(dice: random.Random) -> CreditTransfer | BillPayment:
    money = Money(dice.randrange(100, 5_000_000)) if dice.randrange(5) else None
    named = Details(merchant_name="QUICKKUB SHOP", merchant_city="BANGKOK")
    details = NO_DETAILS if dice.randrange(5) else named
    if dice.randrange(3) == 0:
        reference = f"QK{dice.randrange(10**14):014d}"
        return BillPayment("010555123456700", reference, "M0001", amount=money, details=details)
    receivers = (
        mobile(f"08{dice.randrange(10**8):08d}"),
        tax_id("0105540087061"),
        ewallet(f"004{dice.randrange(10**12):012d}"),
    )
    return CreditTransfer(dice.choice(receivers), money, details=details)


def reordered(payload: str, order: int) -> str:
    """The same objects as other tools order them: ascending, country first, amount last."""
    objects = list(parse_payment(payload).objects[:-1])
    country = [one for one in objects if one[0] == "58"]
    amount = [one for one in objects if one[0] == "54"]
    rest = [one for one in objects if one[0] not in {"54", "58"}]
    currency = next(at for at, one in enumerate(rest) if one[0] == "53")
    if order == 1:
        rest[currency:currency] = country
        rest[currency + 2 : currency + 2] = amount
    elif order == 2:
        rest[currency + 1 : currency + 1] = country + amount
    else:
        return payload
    body = put_all(rest) + "6304"
    return body + checksum(body)


def ours() -> Iterator[Row]:
    """Our own rows."""
    typed = CreditTransfer(mobile("0812345678"), Money(10_000))
    payments = varied()
    payloads = [reordered(build(one), at % 3) for at, one in enumerate(payments)]
    assert all(restate(parse_payment(text)) == one for text, one in zip(payloads, payments, strict=True))
    next_payment, next_payload = itertools.cycle(payments).__next__, itertools.cycle(payloads).__next__
    yield Row("build pinned", "quickkub, from typed input", lambda: build(typed), 250_000)
    yield Row(
        "build pinned",
        "quickkub, from two texts",
        lambda: build(CreditTransfer(mobile("0812345678"), read_baht("100.00"))),
    )
    yield Row("build varied", "quickkub, from typed input", lambda: build(next_payment()))
    yield Row("parse pinned", "quickkub, strict", lambda: parse_payment(PINNED), 90_000)
    yield Row("parse varied", "quickkub, strict", lambda: parse_payment(next_payload()))


def theirs(missing: list[str]) -> Iterator[Row]:
    """Rows of the libraries that can be imported; the names of the others go to `missing`."""
    for package, module, rows in (
        ("promptpay", "promptpay.qrcode", _promptpay),
        ("promptpay-qr", "promptpay_qr", _promptpay_qr),
        ("konthaina-khqr", "konthaina_khqr", _khqr),
    ):
        try:
            found = importlib.import_module(module)
        except ImportError:
            missing.append(package)
        else:
            yield rows(found)


def _promptpay(library: Any) -> Row:
    return Row("build pinned", "promptpay (PyPI)", lambda: library.generate_payload("0812345678", 100.00))


def _promptpay_qr(library: Any) -> Row:
    return Row("build pinned", "promptpay-qr (PyPI)", lambda: library.generate_payload("0812345678", 100.00))


def _khqr(library: Any) -> Row:
    return Row(
        "parse pinned",
        "konthaina-khqr (PyPI), verify + decode",
        lambda: (library.verify(PINNED), library.decode(PINNED)),
    )


def measure(rows: list[Row], rounds: int, seconds: float) -> dict[int, list[float]]:
    """Operations per CPU second of every row, round by round."""
    rates: dict[int, list[float]] = {at: [] for at in range(len(rows))}
    for _ in range(rounds):
        for at, row in enumerate(rows):
            rates[at].append(_rate(row.run, seconds))
    return rates


def _rate(run: Callable[[], object], seconds: float) -> float:
    done, began = 0, time.process_time()
    while True:
        for _ in range(BATCH):
            run()
        done += BATCH
        spent = time.process_time() - began
        if spent >= seconds:
            return done / spent


def report(rows: list[Row], rates: dict[int, list[float]], missing: list[str]) -> None:
    """The table, with our targets and what was not there to be measured."""
    print(f"{'':54}{'median/s':>12}{'slowest':>12}{'fastest':>12}")
    medians = [statistics.median(rates[at]) for at in range(len(rows))]
    for at in sorted(range(len(rows)), key=lambda at: (rows[at].what, -medians[at])):
        row = rows[at]
        figures = (medians[at], min(rates[at]), max(rates[at]))
        said = "".join(f"{figure:>12,.0f}" for figure in figures)
        if row.target is not None:
            said += f"   target {row.target:,}: {'met' if medians[at] >= row.target else 'MISSED'}"
        print(f"{row.what:14}{row.name:40}{said}")
    for name in missing:
        print(f"not installed, so not measured: {name} (try --with-others)")


def run_with_others() -> int:
    """Run this file again in a new virtual environment that has the other libraries."""
    with tempfile.TemporaryDirectory(prefix="qr-bench-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder) / "bin" / "python")
        for package in OTHERS:  # one by one: what does not install here is measured without
            subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=False)
        ours_too = os.environ | {"PYTHONPATH": str(Path(quickkub.__file__).parents[1])}
        words = [word for word in sys.argv[1:] if word != "--with-others"]
        return subprocess.run([python, __file__, *words], check=False, env=ours_too).returncode


def main() -> int:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="QR payloads per CPU second.")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=float, default=0.5, help="CPU seconds of a row in a round")
    arguments.add_argument("--with-others", action="store_true")
    given = arguments.parse_args()
    if given.with_others:
        return run_with_others()
    # One of the others is called as this file is, and Python would find this file first.
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != Path(__file__).parent.resolve()]
    missing: list[str] = []
    rows = [*ours(), *theirs(missing)]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    report(rows, measure(rows, given.rounds, given.seconds), missing)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
