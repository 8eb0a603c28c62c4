"""What all provider simulators share: a clock to move, faults, confirmations by seed, a page, a control API.

A simulator plays the provider over real HTTP and holds the truth about what was paid, in memory. It knows
nothing of the gateway: no database, no connector, and it is never part of a live set-up.
"""
