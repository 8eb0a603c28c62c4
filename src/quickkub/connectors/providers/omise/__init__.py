"""Omise (Opn Payments): PromptPay, bank apps, wallets, instalments and cards behind one charge.

Omise may sign its webhooks or not, and says them in the words of the account's own API version, so a webhook
only makes us ask `GET /charges/{id}`. A card comes as a token made in the payer's browser; its number never
comes here.
"""
