"""Who is served: merchants, their API keys and their accounts at providers.

This room knows what a merchant may use. It never talks to a provider and never touches a payment.
"""
