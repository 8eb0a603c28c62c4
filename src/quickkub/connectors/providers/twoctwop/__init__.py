"""2C2P Payment Gateway 4.3: cards on its hosted page, PromptPay QR, wallets and banks by Do Payment.

Money is believed only from what 2C2P signed: the payment inquiry, and payment actions for captures, voids and
refunds. Everything it says in plain JSON is a hint that makes us ask (pack 2.1).
The folder is spelt as Python needs it; the provider's name is `2c2p`.
"""
