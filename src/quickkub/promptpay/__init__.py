"""Thai QR codes: build, parse and check PromptPay QRs, slip mini-QRs and bill barcodes, and draw them.

Everything here is a pure function over plain values; amounts are integer satang. It will never talk to a
bank, keep anything, or say that money came: a QR is a label and a slip is a claim, and only the bank's record
settles a payment. Importing this package does not import the image library; `images` does.
"""

from quickkub.promptpay.amount import baht_text, read_baht
from quickkub.promptpay.banks import BANKS, Bank
from quickkub.promptpay.barcode import bill_payment_of, build_barcode, parse_barcode
from quickkub.promptpay.build import build, build_warnings
from quickkub.promptpay.check import Level, Op, check, parse_any
from quickkub.promptpay.errors import BY_CODE, QrRefusal
from quickkub.promptpay.model import (
    AdditionalData,
    BankSlip,
    BillBarcode,
    Biller,
    BillPayment,
    CreditTransfer,
    Details,
    Language,
    PaymentQr,
    QrKind,
    TrueMoneySlip,
    Vat,
)
from quickkub.promptpay.parse import parse_payment
from quickkub.promptpay.proxies import (
    Proxy,
    bank_account,
    ewallet,
    mobile,
    national_id,
    tax_id,
    truemoney_wallet,
)
from quickkub.promptpay.restate import restate
from quickkub.promptpay.slip import build_slip, build_truemoney_slip, parse_slip, slip_date

__all__ = [
    "BANKS",
    "BY_CODE",
    "AdditionalData",
    "Bank",
    "BankSlip",
    "BillBarcode",
    "BillPayment",
    "Biller",
    "CreditTransfer",
    "Details",
    "Language",
    "Level",
    "Op",
    "PaymentQr",
    "Proxy",
    "QrKind",
    "QrRefusal",
    "TrueMoneySlip",
    "Vat",
    "baht_text",
    "bank_account",
    "bill_payment_of",
    "build",
    "build_barcode",
    "build_slip",
    "build_truemoney_slip",
    "build_warnings",
    "check",
    "ewallet",
    "mobile",
    "national_id",
    "parse_any",
    "parse_barcode",
    "parse_payment",
    "parse_slip",
    "read_baht",
    "restate",
    "slip_date",
    "tax_id",
    "truemoney_wallet",
]
