"""The token bucket, kept as one number: when it will be full (the generic cell rate algorithm, ITU-T I.371).

A bucket that is full at `full_at` misses `(full_at - now) / drip` requests now. Taking one moves that moment
one drip away; it is refused when the bucket would miss more than it holds.
"""

from __future__ import annotations

from quickkub.api.limits.policy import Bucket, Standing


def standing(bucket: Bucket, full_at_us: int, now_us: int) -> tuple[Standing, int]:
    """Take one request from a bucket that is full at `full_at_us`. Returns how it stands and when it is full.

    A refused request takes nothing.
    """
    drip, room = bucket.drip_us, bucket.burst * bucket.drip_us
    before = max(full_at_us, now_us)
    missing = before + drip - now_us
    if missing > room:
        left = max(0, room - (before - now_us)) // drip
        return Standing(bucket, False, left, before - now_us, missing - room), before
    return Standing(bucket, True, (room - missing) // drip, missing), now_us + missing
