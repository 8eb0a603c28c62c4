"""Bank of Ayudhya (Krungsri): Thai QR by the native QR Payment API, and the krungsri app by deep link.

The bank's callbacks carry no proof, so they only make us ask; what it calls `sign` proves no sender either.
It will never call a QR paid on a callback's word alone unless the account says so, and offers no refund: the
bank publishes no call for one.
"""
