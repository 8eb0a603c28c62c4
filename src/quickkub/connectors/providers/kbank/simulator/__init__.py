"""KBank, played from its public documents over real HTTP, for tests, demonstrations and integrators.

It speaks the wire format and keeps the rules of `kbank.md`; where the documents are silent an option decides.
It knows nothing of the connector beside it, so that each can catch the other drifting.
"""

from quickkub.connectors.providers.kbank.simulator.bank import KbankSimulator

SIMULATOR = KbankSimulator

__all__ = ["SIMULATOR", "KbankSimulator"]
