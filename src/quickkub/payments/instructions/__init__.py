"""What a provider is told to do with an attempt it has: capture, void, refund, cancel.

An instruction lives like an attempt: written down before the call, settled in one place by what the provider
proves, asked about again while nobody can tell. It never frees what it has counted (a capture, a refund)
before the provider proves that it had no effect.
"""
