"""A payment's life: asked for, shown to the payer, settled by what the provider proves.

All news about a payment (the answer to our call, a callback, an inquiry) enters through `settle.apply`. This
room never calls a provider inside a transaction, never turns "cannot tell" into "failed", and never marks a
payment paid without stored evidence.
"""
