"""What a payer may know about a payment, found by the unguessable token of its checkout link.

This room reads the payment as the payments room left it and says which stage the payer sees, for how long,
and what is left to do. It never moves a payment, never calls a provider, and never shows a payer's or a
merchant's secrets; all it ever writes is that a provider should be asked sooner, because the payer came back.
"""
