"""Bangkok Bank, played from bbl.md over real HTTP: Merchant iPay and the API portal on one port.

It speaks the wire formats and keeps the rules of the pack; where the pack is silent an option decides. It
knows nothing of the connector beside it, so that each can catch the other drifting.
"""

from quickkub.connectors.providers.bbl.simulator.bank import BblSimulator

SIMULATOR = BblSimulator

__all__ = ["SIMULATOR", "BblSimulator"]
