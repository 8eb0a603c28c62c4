"""Payments that a payer's bank wants back (chargebacks): heard of, answered with evidence, won or lost.

Disputed money is held in the books from the moment we hear of it until it is decided, so that it is neither
refunded nor paid out meanwhile. This room never decides anything: the provider does, and its word is kept.
"""
