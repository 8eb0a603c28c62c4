"""HTTP at the edge: the API for merchants, the addresses providers call, health, metrics, the API's docs.

This room reads requests strictly, finds out who asks, hands plain values to the rooms below and turns what
they return or refuse into answers. It never decides about money, never opens a transaction that moves any,
and never shows a reason that was not written for a merchant to read.
"""
