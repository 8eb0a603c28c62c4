"""Giving money back: through the provider where it can, else as a transfer a person makes.

A refund is counted and set aside before anybody is told, and freed only on proof that it had no effect. This
room never gives back more than was captured, and never calls a refund failed because an answer was lost.
"""
