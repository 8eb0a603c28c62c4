"""SCB, played from the bank's public reference over real HTTP, for tests, demonstrations and integrators.

It speaks the wire format and keeps the rules of `scb.md`; where the reference is silent an option decides. It
knows nothing of the connector beside it, so that each can catch the other drifting.
"""

from quickkub.connectors.providers.scb.simulator.bank import ScbSimulator

SIMULATOR = ScbSimulator

__all__ = ["SIMULATOR", "ScbSimulator"]
