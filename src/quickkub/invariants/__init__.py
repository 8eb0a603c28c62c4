"""What must be true of the whole database at any moment, by the ids of the specification (L, P, I, E, D, S).

Each is said once, in SQL that returns only what breaks it, and runs against any database: in tests, after
fault tests and restores, nightly in production. This room reads and never repairs: a violation is for people.
"""
