"""Pages for people: the checkout page, and the look that all our pages share.

Pages are made on the server from plain values, work without JavaScript, and load nothing from anyone else.
This room never decides whether a payment is paid, never asks for card numbers, and sets no cookie on a payer.
"""
