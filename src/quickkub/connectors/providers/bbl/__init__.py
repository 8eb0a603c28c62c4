"""Bangkok Bank: Merchant iPay (cards on the bank's page) and the API portal (app, QR, notifications).

Two products on two addresses, one account: iPay is proved by a secure hash and by asking the bank's records,
the portal by signed messages. Card data is typed at the bank and never comes here. It will never call a card
paid that is only held, and never believe a notification that nobody signed.
"""
