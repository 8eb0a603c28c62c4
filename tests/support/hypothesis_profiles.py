"""How hard property tests search. In CI (`CI` is set) they search longer and always the same way.

A deterministic search in CI means that a red build is red again when it is repeated, and that a change is
never blamed for a case that luck found; developers' machines search at random and so find new cases. Failures
print the blob that replays them. No deadline: the machine's load is not a property of the code.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    max_examples=200,
    derandomize=True,
    print_blob=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("dev", max_examples=50, print_blob=True, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
