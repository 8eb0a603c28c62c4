"""Siam Commercial Bank, "SCB Open API for partners": PromptPay QR, deep link into SCB EASY, slips.

Everything here is written from the public reference; what is not public is behind a switch of the register
in manifest.py. SCB signs nothing, so its callbacks are not believed: the bank's records are asked (pack 6).
"""
