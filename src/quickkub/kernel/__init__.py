"""The words every other room speaks: money, rates, states, ids, refusals, clocks, secrets.

Nothing here opens a socket, a file or a database, and nothing here imports anything but the standard
library. A rule that needs more than plain values does not belong on this floor.
"""
