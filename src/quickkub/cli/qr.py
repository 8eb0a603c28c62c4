"""`quickkub qr`: build and check Thai QR codes, slips and bill barcodes, singly or as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, NoReturn, cast

import typer

from quickkub.promptpay import Level, Op, QrRefusal, check
from quickkub.promptpay.describe import describe
from quickkub.promptpay.inputs import read_input, warnings_of, write
from quickkub.promptpay.lines import ByteSource, answer_build, answer_check, answers
from quickkub.promptpay.names import ROOT_NAMES

app = typer.Typer(
    help="Build and check PromptPay QR codes, slip mini-QRs and bill barcodes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2

_ADVICE: Final = {
    "bank_account_proxy": "bank apps refuse a bank account in a PromptPay QR; use a mobile number or an id",
    "check_digit_mismatch": "the check digit of this id is wrong; is it mistyped?",
    "biller_id_13_digits": "a biller id has 15 digits: the 13-digit id and the 2-digit suffix from the bank",
    "static_with_amount": "a printed QR with an amount can be paid many times",
    "dynamic_without_amount": "a QR for one order usually carries its amount",
}


@app.command("build")
def build_command(
    *,
    proxy: Annotated[
        str | None,
        typer.Option(help="mobile, national_id, tax_id, ewallet, truemoney or bank_account."),
    ] = None,
    receiver: Annotated[str | None, typer.Option("--id", help="The receiver's number or id.")] = None,
    amount: Annotated[
        str | None, typer.Option(help="Baht, such as 100.00; the payer types it when left out.")
    ] = None,
    static: Annotated[
        bool | None, typer.Option("--static/--dynamic", help="Label it 11 or 12; default by the amount.")
    ] = None,
    ota: Annotated[str | None, typer.Option(help="One-time authorisation, 10 characters.")] = None,
    bank_code: Annotated[str | None, typer.Option(help="With --proxy bank_account: 3 digits.")] = None,
    account: Annotated[str | None, typer.Option(help="With --proxy bank_account.")] = None,
    message: Annotated[str | None, typer.Option(help="With --proxy truemoney: up to 24 characters.")] = None,
    biller_id: Annotated[str | None, typer.Option(help="Bill payment: 15 digits, given by the bank.")] = None,
    ref1: Annotated[str | None, typer.Option(help="Bill payment: up to 20 of A-Z and 0-9.")] = None,
    ref2: Annotated[str | None, typer.Option(help="As ref1, where the biller has a second one.")] = None,
    ref3: Annotated[str | None, typer.Option(help="As ref1, where the biller has a third one.")] = None,
    cross_border: Annotated[bool, typer.Option("--cross-border", help="Bill payment from abroad.")] = False,
    barcode: Annotated[bool, typer.Option("--barcode", help="A bill barcode instead of a QR.")] = False,
    name: Annotated[str | None, typer.Option(help="Merchant name, up to 25 ASCII characters.")] = None,
    city: Annotated[str | None, typer.Option(help="Merchant city, up to 15 ASCII characters.")] = None,
    postal_code: Annotated[str | None, typer.Option(help="Up to 10 characters.")] = None,
    mcc: Annotated[str | None, typer.Option(help="Merchant category code, 4 digits.")] = None,
    language: Annotated[str, typer.Option(help="Language of the two options below.")] = "TH",
    local_name: Annotated[
        str | None, typer.Option(help="Merchant name in Thai, up to 25 characters.")
    ] = None,
    local_city: Annotated[
        str | None, typer.Option(help="Merchant city in Thai, up to 15 characters.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Write a PNG to this file, too.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Write an SVG to this file, too.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Read one JSON input a line, print one answer a line.")
    ] = False,
) -> None:
    """Print the payload of a PromptPay QR. Exit status: 0 built, 1 refused, 2 wrong use."""
    if as_json:
        _stream(answer_build)
        return
    given: dict[str, object] = {"amount": amount}
    if static is not None:
        given["poi"] = "11" if static else "12"
    given |= {"merchant_name": name, "merchant_city": city, "postal_code": postal_code, "mcc": mcc}
    if local_name is not None or local_city is not None:
        given["language"] = {"language": language, "name": local_name, "city": local_city}
    bill: dict[str, object] = {"biller_id": biller_id, "ref1": ref1, "ref2": ref2, "ref3": ref3}
    transfer: dict[str, object] = {"proxy": proxy, "id": receiver, "ota": ota, "message": message}
    transfer |= {"bank_code": bank_code, "account": account}
    kind = _kind(proxy, is_bill=_any(bill) or cross_border, is_barcode=barcode)
    if kind == "truemoney":
        del transfer["proxy"]
    given |= {"kind": kind, **transfer, **bill, "cross_border": cross_border or None}
    _build_one({key: value for key, value in given.items() if value is not None}, png, svg)


@app.command("check")
def check_command(
    payload: Annotated[str | None, typer.Argument(help="The text of a QR, a slip or a barcode.")] = None,
    op: Annotated[Op | None, typer.Option(help="What it should be; found out when left out.")] = None,
    level: Annotated[
        Level, typer.Option(help="strict also refuses what banks' readers usually let through.")
    ] = Level.ALWAYS,
    as_json: Annotated[
        bool, typer.Option("--json", help="Read one JSON request a line, print one verdict a line.")
    ] = False,
) -> None:
    """Say what a text is and what it holds, or why it is refused.

    Exit status: 0 sound, 1 refused, 2 wrong use.
    """
    if as_json:
        _stream(answer_check)
        return
    if payload is None:
        raise typer.BadParameter("give a payload, or --json and requests on standard input")
    try:
        record = describe(check(payload, op, level))
    except QrRefusal as refused:
        _refuse(refused)
    _print_table(record)


def _kind(proxy: str | None, *, is_bill: bool, is_barcode: bool) -> str:
    if proxy is not None and (is_bill or is_barcode):
        raise typer.BadParameter(
            "--proxy is for a credit transfer, --biller-id and --ref1 for a bill: not both"
        )
    if is_barcode:
        return "bot_barcode"
    if is_bill:
        return "bill_payment"
    return "truemoney" if proxy == "truemoney" else "credit_transfer"


def _any(options: Mapping[str, object]) -> bool:
    return any(value is not None for value in options.values())


def _build_one(record: Mapping[str, object], png: Path | None, svg: Path | None) -> None:
    try:
        value = read_input(record)
        payload = write(value)
        _draw(payload, png, svg)
    except QrRefusal as refused:
        _refuse(refused)
    except OSError as failed:
        typer.echo(f"cannot write {failed.filename}: {failed.strerror}", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    for warning in warnings_of(value):
        typer.echo(f"warning: {warning}: {_ADVICE[warning]}", err=True)
    _emit(payload + "\n")


def _draw(payload: str, png: Path | None, svg: Path | None) -> None:
    if png is None and svg is None:
        return
    # Only drawing needs the image library; a stream of payloads should not wait for it.
    from quickkub.promptpay import images  # noqa: PLC0415

    if png is not None:
        png.write_bytes(images.png(payload))
    if svg is not None:
        svg.write_bytes(images.svg(payload))


def _refuse(refused: QrRefusal) -> NoReturn:
    typer.echo(f"refused: {refused.code}: {_shown(refused.detail)}", err=True)
    for code in refused.errors[1:]:
        typer.echo(f"also: {code}", err=True)
    raise typer.Exit(EXIT_REFUSED)


def _stream(answer: Callable[[bytes], str]) -> None:
    """Answers leave as soon as their lines have come, so that a program can ask and wait over a pipe."""
    try:
        for text in answers(cast(ByteSource, sys.stdin.buffer), answer):
            _emit(text)
    except BrokenPipeError:
        raise  # the reader has seen enough; typer ends quietly
    except OSError as failed:
        typer.echo(f"cannot read or write: {failed.strerror}", err=True)
        raise typer.Exit(EXIT_USAGE) from None


def _emit(text: str) -> None:
    """UTF-8 whatever the terminal's encoding, for a payload must not change on its way out."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _print_table(record: Mapping[str, object]) -> None:
    rows = [(key, value) for key, value in record.items() if isinstance(value, str)]
    width = max(len(key) for key, _ in rows)
    text = [f"{key.ljust(width)}  {_shown(value)}" for key, value in rows]
    for part in ("additional", "language", "vat"):
        inside = record.get(part)
        if isinstance(inside, dict):
            text += [f"{part}.{key}  {_shown(value)}" for key, value in inside.items()]
    warnings = record.get("warnings")
    if isinstance(warnings, list):
        text += [f"warning: {warning}" for warning in warnings]
    objects = record.get("objects")
    if isinstance(objects, list):
        names = max(map(len, ROOT_NAMES.values()))
        text += [
            "",
            *(f"{tag}  {ROOT_NAMES.get(tag, '').ljust(names)}  {_shown(value)}" for tag, value in objects),
        ]
    _emit("\n".join(text) + "\n")


def _shown(text: str) -> str:
    """The text with anything that could move a terminal's cursor written as an escape."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


if __name__ == "__main__":
    app()
