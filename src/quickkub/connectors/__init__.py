"""Talking to providers: what every connector says (contract), the one line out (transport), who is there
(registry), and what simulators share (simulation).

A connector builds requests and reads answers. It never opens a socket, reads a clock or touches the database,
and it never decides what happens to a payment.
"""
