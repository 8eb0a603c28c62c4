"""The words JSON objects use for the parts of a QR, as the test vectors spell them."""

from __future__ import annotations

from typing import Final

Record = dict[str, object]

ADDITIONAL_NAMES: Final = {
    "billNumber": "bill_number",
    "mobileNumber": "mobile_number",
    "storeLabel": "store_label",
    "loyaltyNumber": "loyalty_number",
    "referenceLabel": "reference_label",
    "customerLabel": "customer_label",
    "terminalLabel": "terminal_label",
    "purposeOfTransaction": "purpose",
    "consumerDataRequest": "consumer_data",
    "merchantTaxId": "merchant_tax_id",
    "merchantChannel": "merchant_channel",
}
VAT_NAMES: Final = {"sellerTaxBranchId": "branch", "vatRate": "rate", "vatAmount": "amount"}
LANGUAGE_NAMES: Final = {"language": "language", "name": "name", "city": "city"}

ROOT_NAMES: Final = {
    "00": "payload format",
    "01": "point of initiation",
    "29": "credit transfer",
    "30": "bill payment",
    "31": "payment innovation",
    "51": "country",
    "52": "merchant category",
    "53": "currency",
    "54": "amount",
    "55": "tip or fee",
    "56": "fixed fee",
    "57": "fee in percent",
    "58": "country",
    "59": "merchant name",
    "60": "merchant city",
    "61": "postal code",
    "62": "additional data",
    "63": "checksum",
    "64": "language",
    "80": "VAT",
    "81": "message",
    "91": "checksum",
}
"""What a root object is called when it is shown to a person."""
