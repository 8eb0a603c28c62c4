"""GBPrimePay: QR cash and credit, cards by token, wallets, bank apps and instalments.

Wallets, bank apps and instalments are forms that the payer's browser posts, signed here with a checksum. Its
webhooks are not signed and only make us ask; it can neither refund nor void by API (pack 5.11, 6).
"""
