"""Due work: callbacks, inquiries, expiry, webhook deliveries; and work by the clock, such as housekeeping.

Each loop claims rows that are due, works on them a few at a time, and sleeps when there are none. Losing this
process loses nothing: what it held comes back when the lease runs out.
"""
