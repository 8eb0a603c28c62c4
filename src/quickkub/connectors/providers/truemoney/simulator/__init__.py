"""TrueMoney's partner API, played from what public clients say of it, over real HTTP.

It knows nothing of the connector beside it, so that each can catch the other drifting.
"""

from quickkub.connectors.providers.truemoney.simulator.truemoney import TruemoneySimulator

SIMULATOR = TruemoneySimulator

__all__ = ["SIMULATOR", "TruemoneySimulator"]
