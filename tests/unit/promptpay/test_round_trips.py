"""What is built is read back as what was asked for, in strict mode, in any order of its objects."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from quickkub.promptpay import (
    BankSlip,
    BillBarcode,
    BillPayment,
    CreditTransfer,
    TrueMoneySlip,
    bill_payment_of,
    build,
    build_barcode,
    build_slip,
    build_truemoney_slip,
    check,
    parse_barcode,
    parse_payment,
    parse_slip,
    restate,
)
from quickkub.promptpay.check import Op, detect
from quickkub.promptpay.describe import describe
from quickkub.promptpay.inputs import read_input, write
from quickkub.promptpay.parse import flawless, thorough
from tests.unit.promptpay.material import (
    barcodes,
    bills,
    payments,
    seal,
    slips,
    tlv,
    transfers,
    truemoney_slips,
)

COMMON = {"kind", "amount", "point_of_initiation", "mcc", "merchant_name", "merchant_city", "postal_code"}
COMMON |= {"additional", "language", "vat"}


@given(payments)
def test_a_payment_comes_back_as_it_was_asked_for(payment: CreditTransfer | BillPayment) -> None:
    assert restate(parse_payment(build(payment))) == payment


@given(payments)
def test_the_amount_comes_back_in_satang(payment: CreditTransfer | BillPayment) -> None:
    assert parse_payment(build(payment)).amount == payment.amount


@given(payments, st.randoms(use_true_random=False))
def test_the_order_of_objects_changes_the_checksum_and_nothing_else(
    payment: CreditTransfer | BillPayment, dice: random.Random
) -> None:
    qr = parse_payment(build(payment))
    first, *rest, _ = qr.objects
    dice.shuffle(rest)
    shuffled = parse_payment(seal(tlv(first, *rest)))
    assert shuffled.same_payment(qr)
    assert restate(shuffled) == payment


@given(payments)
def test_the_shortcut_says_what_the_examination_says(payment: CreditTransfer | BillPayment) -> None:
    quick, full = flawless(build(payment)), thorough(build(payment), strict=True)
    assert quick in (None, full)


@given(transfers.filter(lambda t: not t.details.additional and t.proxy.tag == "01" and t.ota is None))
def test_the_shortcut_is_taken_for_ordinary_transfers(payment: CreditTransfer) -> None:
    plain = payment._replace(details=CreditTransfer(payment.proxy).details)
    assert flawless(build(plain)) == thorough(build(plain), strict=True)


@given(bills.filter(lambda b: len(b.biller_id) == 15))
def test_the_shortcut_is_taken_for_ordinary_bills(payment: BillPayment) -> None:
    plain = payment._replace(details=CreditTransfer._field_defaults["details"])
    assert flawless(build(plain)) == thorough(build(plain), strict=True)


@given(payments.filter(lambda payment: payment.details.message is None))
def test_what_is_told_of_a_payment_can_be_built_again(payment: CreditTransfer | BillPayment) -> None:
    told = describe(parse_payment(build(payment)))
    transfer = {"proxy", "id", "bank_code", "account", "ota"}
    bill = {"biller_id", "ref1", "ref2", "ref3", "cross_border"}
    own = {"credit_transfer": transfer, "bill_payment": bill, "truemoney": {"mobile"}}[str(told["kind"])]
    assert write(read_input({name: told[name] for name in own | COMMON})) == build(payment)


@given(slips)
def test_a_slip_comes_back(slip: BankSlip) -> None:
    assert parse_slip(build_slip(slip)) == slip


@given(slips)
def test_a_slip_is_known_by_its_shape(slip: BankSlip) -> None:
    assert detect(build_slip(slip)) is Op.SLIP


@given(slips)
def test_a_slip_survives_the_loss_of_its_checksums_leading_zeros(slip: BankSlip) -> None:
    text = build_slip(slip)
    shortened = text[:-4] + (text[-4:].lstrip("0") or "0")
    assert check(shortened) == slip


@given(truemoney_slips)
def test_a_truemoney_slip_comes_back(slip: TrueMoneySlip) -> None:
    assert parse_slip(build_truemoney_slip(slip)) == slip


@given(barcodes)
def test_a_barcode_comes_back(barcode: BillBarcode) -> None:
    assert parse_barcode(build_barcode(barcode)) == barcode


@given(barcodes)
def test_a_barcode_as_a_qr_asks_for_the_same(barcode: BillBarcode) -> None:
    qr = parse_payment(build(bill_payment_of(barcode)))
    assert (qr.ref1, qr.ref2, qr.amount) == (barcode.ref1, barcode.ref2, barcode.amount)
