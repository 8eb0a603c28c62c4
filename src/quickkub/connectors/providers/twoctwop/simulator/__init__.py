"""2C2P, played from its pack over real HTTP: payment API, hosted page, payment actions, notifications.

It speaks the wire format and keeps the rules of `2c2p.md`; where the pack is silent an option decides. It
knows nothing of the connector beside it, so that each can catch the other drifting; they share the test keys.
"""

from quickkub.connectors.providers.twoctwop.simulator.gateway import TwoCTwoPSimulator

SIMULATOR = TwoCTwoPSimulator

__all__ = ["SIMULATOR", "TwoCTwoPSimulator"]
