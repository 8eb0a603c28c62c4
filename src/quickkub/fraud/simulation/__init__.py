"""A made-up Thai month with honest payers and eight attacks, played against the real rules and counters.

There is no labelled data of payment fraud to measure with, so traffic is drawn from a seed. The attacks are
written
from what attackers want, not from what the rules look for: their speed, amounts, number of cards and devices
and
how soon they change them after a refusal are all drawn, and nothing here reads a rule. This does not say how
good
the rules are at a merchant's own fraud; a back-test does.
"""
