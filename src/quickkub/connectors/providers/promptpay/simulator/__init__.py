"""The banks around a PromptPay QR, over real HTTP: the payer's app, the account, its notices, its feed.

It knows nothing of the connector beside it, so that each can catch the other drifting.
"""

from quickkub.connectors.providers.promptpay.simulator.banks import PromptpaySimulator

SIMULATOR = PromptpaySimulator

__all__ = ["SIMULATOR", "PromptpaySimulator"]
