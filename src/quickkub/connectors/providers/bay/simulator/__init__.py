"""Krungsri, played from bay.md over real HTTP: the QR Payment API, and the krungsri app's assumed deep link.

It speaks the wire format and keeps the rules of the pack; where the pack is silent an option decides. It
knows nothing of the connector beside it, so that each can catch the other drifting.
"""

from quickkub.connectors.providers.bay.simulator.bank import BaySimulator

SIMULATOR = BaySimulator

__all__ = ["SIMULATOR", "BaySimulator"]
