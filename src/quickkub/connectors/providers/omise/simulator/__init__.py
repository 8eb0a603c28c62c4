"""Omise, played from the public documents over real HTTP, for tests, demonstrations and integrators.

Both of its hosts are one address here: `/tokens` is the vault's and everything else the API's. It knows
nothing of the connector beside it, so that each can catch the other drifting.
"""

from quickkub.connectors.providers.omise.simulator.omise import OmiseSimulator

SIMULATOR = OmiseSimulator

__all__ = ["SIMULATOR", "OmiseSimulator"]
