"""How much one caller may ask: who is counted under which name, and what is answered when it is too much.

Two kinds of limit: a window (so many requests in so many minutes, for callers who have not said who they are)
and a bucket (so many a second, with a burst, for those who have). They are counted in this process, or in a
Valkey that several processes share. This room never reads a body and never asks the database.
"""
