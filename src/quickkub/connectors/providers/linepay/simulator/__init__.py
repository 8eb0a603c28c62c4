"""LINE Pay, played from the public reference over real HTTP, for tests, demonstrations and integrators.

It knows nothing of the connector beside it, so that each can catch the other drifting.
"""

from quickkub.connectors.providers.linepay.simulator.linepay import LinepaySimulator

SIMULATOR = LinepaySimulator

__all__ = ["SIMULATOR", "LinepaySimulator"]
