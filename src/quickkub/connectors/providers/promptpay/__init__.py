"""PromptPay itself, into the merchant's own bank account, without any payment provider in between.

The QR is built here and nobody is told of it, so money becomes known only afterwards: by a signed notice of
the account's own feed, by its statement, or by a slip that a bank vouches for. It never says that a payment
failed.
"""
