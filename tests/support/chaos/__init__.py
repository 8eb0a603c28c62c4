"""Storms: a real gateway in pieces, a bank that holds the truth, and everything that can go wrong, by a seed.

The bank, the merchant's clients and the webhook receiver live in the test's own process and survive every
kill; the gateway's processes and PostgreSQL are real and die often. Afterwards the books must say what the
bank says.
"""
