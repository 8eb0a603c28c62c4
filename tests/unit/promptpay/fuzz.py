"""Damaged texts by the million: `python -m tests.unit.promptpay.fuzz --examples 5000000 --seed 1`.

Every example starts from a published or a freshly built text, is damaged in up to four places, and half
of the time is sealed again with a right checksum, so that the damage gets past it. What must hold is in
`examine_one`. The tests run a few thousand of these; QR_FUZZ_EXAMPLES asks for more.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator

from quickkub.kernel.money import Money
from quickkub.promptpay import (
    BY_CODE,
    BillPayment,
    CreditTransfer,
    Details,
    Level,
    Op,
    PaymentQr,
    Proxy,
    QrRefusal,
    build,
    check,
    parse_payment,
    restate,
)
from quickkub.promptpay.check import Read
from quickkub.promptpay.lines import answer_build, answer_check
from quickkub.promptpay.parse import flawless, thorough
from tests.unit.promptpay.material import INVALID, VALID, seal

SEEDS = [v["payload"] for v in VALID + INVALID if "payload" in v]
SEEDS += [text for v in VALID for text in v.get("equivalents", {}).values()]
INPUTS = [v["input"] for v in VALID + INVALID if v.get("input")]
# Digits of other scripts, white space, controls, a lone surrogate, an astral character, hex and signs.
ODD = "๐๙１٣ \t\r\n\x00\x1d\u00a0\u2028\ufeff\ud800\udfff😀กß+-.,|AZaz09ﬀ\u0131"
PIECES = (
    "6304",
    "9104",
    "0016A000000677010111",
    "5303764",
    "5802TH",
    "5406100.00",
    "62070703SCB",
    "0002",
    "99",
)


def fresh(dice: random.Random) -> str:
    """A payload built now, so that the shortcut is reached with other than published content."""
    money = None if dice.random() < 0.2 else Money(dice.randrange(1, 10 ** dice.randrange(1, 13)))
    name = dice.choice((None, "QUICKKUB", "Shop 1"))
    details = Details(merchant_name=name, mcc=dice.choice((None, "5399")))
    if dice.random() < 0.5:
        tag, size = dice.choice((("02", 13), ("03", 15), ("01", 0)))
        value = "".join(dice.choices("0123456789", k=size)) or f"00668{dice.randrange(10**8):08d}"
        return build(CreditTransfer(Proxy(tag, value), money, details=details))
    words = ["".join(dice.choices("ABCXYZ0123456789", k=dice.randrange(1, 21))) for _ in range(3)]
    biller = "".join(dice.choices("0123456789", k=dice.choice((13, 15, 15))))
    ref2, ref3 = dice.choice((words[1], None)), dice.choice((words[2], None))
    return build(BillPayment(biller, words[0], ref2, ref3, money, dice.random() < 0.2, details))


def _replace(dice: random.Random, text: str, at: int) -> str:
    return text[:at] + _character(dice) + text[at + 1 :]


def _insert(dice: random.Random, text: str, at: int) -> str:
    return text[:at] + (_character(dice) if dice.random() < 0.7 else dice.choice(PIECES)) + text[at:]


def _delete(dice: random.Random, text: str, at: int) -> str:
    return text[:at] + text[at + dice.randrange(1, 5) :]


def _cut(dice: random.Random, text: str, at: int) -> str:
    return text[:at] if dice.random() < 0.8 else text[at:]


def _swap(dice: random.Random, text: str, at: int) -> str:
    to = dice.randrange(at, len(text) + 1)
    return text[:at] + text[to:] + text[at:to]


def _repeat(dice: random.Random, text: str, at: int) -> str:
    return text[:at] + text[at : at + dice.randrange(4, 30)] + text[at:]


def _wrap(dice: random.Random, text: str, _: int) -> str:
    edge = dice.choice((" ", "\n", "\r\n", "\u3000", "\ufeff"))
    return dice.choice((edge + text, text + edge, text.lower(), text[:-4] + text[-4:].lower()))


DAMAGES: tuple[Callable[[random.Random, str, int], str], ...] = (
    _replace,
    _replace,
    _replace,
    _insert,
    _delete,
    _cut,
    _swap,
    _repeat,
    _wrap,
)


def _character(dice: random.Random) -> str:
    return dice.choice("0123456789") if dice.random() < 0.6 else dice.choice(ODD)


def damaged(dice: random.Random) -> str:
    """One example."""
    text = dice.choice(SEEDS) if dice.random() < 0.7 else fresh(dice)
    for _ in range(dice.randrange(0, 5)):
        text = dice.choice(DAMAGES)(dice, text, dice.randrange(len(text) + 1))
    if dice.random() < 0.5:
        for tag in ("63", "91"):
            if text[-8:-4] == f"{tag}04":
                return seal(text[:-8], tag)
    return text


def examine_one(text: str, op: Op | None) -> str:
    """Check what must hold for any text; what became of it in strict mode. Raises AssertionError."""
    strict, strict_errors = _outcome(text, op, Level.STRICT)
    lenient, lenient_errors = _outcome(text, op, Level.ALWAYS)
    assert set(lenient_errors) <= set(strict_errors), "lenient mode found what strict mode did not"
    if strict is not None:
        assert lenient == strict, "a text that is exact means the same in both modes"
    quick = flawless(text)
    if quick is not None:
        assert quick == thorough(text, strict=True) == thorough(text, strict=False), "the shortcut disagrees"
    if isinstance(strict, PaymentQr):
        _build_again(strict)
    return strict_errors[0] if strict_errors else "ok"


def _outcome(text: str, op: Op | None, level: Level) -> tuple[Read | None, tuple[str, ...]]:
    try:
        return check(text, op, level), ()
    except QrRefusal as refused:
        assert refused.code == refused.errors[0]
        assert set(refused.errors) <= BY_CODE.keys()
        return None, refused.errors


def _build_again(qr: PaymentQr) -> None:
    """What can be built again from its meaning means the same again."""
    try:
        asked = restate(qr)
        payload = build(asked)
    except QrRefusal:
        return
    assert restate(parse_payment(payload)) == asked, "the round trip changed the meaning"


def examine_line(dice: random.Random, text: str) -> None:
    """A request line, damaged as bytes half of the time, gets one line of JSON."""
    request = {
        "payload": text,
        "op": dice.choice((None, *Op, "parse")),
        "level": dice.choice((*Level, None, 5)),
    }
    build_it = dice.random() < 0.3
    body = dict(dice.choice(INPUTS)) if build_it else request
    if build_it and body:
        body[dice.choice(list(body))] = dice.choice((text, None, 5, True, [], {}, "", "-1", 1e300))
    line = json.dumps(body).encode()
    if dice.random() < 0.5:
        at = dice.randrange(len(line) + 1)
        line = (
            line[:at] + dice.randbytes(dice.randrange(3)).replace(b"\n", b"") + line[at + dice.randrange(3) :]
        )
    answer = answer_build(line) if build_it else answer_check(line)
    said = json.loads(answer)
    assert "\n" not in answer
    assert said["ok"] or said["error"] in BY_CODE


def run(examples: int, seed: int) -> Counter[str]:
    """Examine so many examples and count what became of them."""
    return Counter(_outcomes(examples, seed))


def _outcomes(examples: int, seed: int) -> Iterator[str]:
    dice = random.Random(seed)
    ops = (None, None, Op.PAYMENT, Op.PAYMENT, Op.SLIP, Op.BARCODE)
    for number in range(examples):
        text = damaged(dice)
        try:
            outcome = examine_one(text, dice.choice(ops))
            if number % 4 == 0:
                examine_line(dice, text)
        except Exception as trouble:
            trouble.add_note(f"seed {seed}, example {number}: {text!r}")
            raise
        yield outcome


def main() -> None:
    """Print how many examples ended how."""
    arguments = argparse.ArgumentParser(description="Fuzz the QR, slip and barcode parsers.")
    arguments.add_argument("--examples", type=int, default=200_000)
    arguments.add_argument("--seed", type=int, default=None, help="default: another one each time")
    given = arguments.parse_args()
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    began = time.monotonic()
    outcomes = run(given.examples, seed)
    print(f"{given.examples} examples, seed {seed}, {time.monotonic() - began:.0f} s, no unnamed exception")
    for outcome, count in outcomes.most_common():
        print(f"{count:>10}  {outcome}")


if __name__ == "__main__":
    main()
