"""KASIKORNBANK (KBank): QR Payment Open API, K-Payment Gateway (KGP) and Pay with K PLUS.

Three products of one bank with hosts, keys and words of their own; one account may have any of them.
"""
