"""GBPrimePay, played from the pack over real HTTP, for tests, demonstrations and integrators.

It knows nothing of the connector beside it, so that each can catch the other drifting.
"""

from quickkub.connectors.providers.gbprimepay.simulator.gbprimepay import GbprimepaySimulator

SIMULATOR = GbprimepaySimulator

__all__ = ["SIMULATOR", "GbprimepaySimulator"]
