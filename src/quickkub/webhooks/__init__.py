"""Events on their way to merchants: endpoints, deliveries, signatures, the schedule of tries, replays.

Events and their delivery rows are written by `storage.outbox` in the transaction of the change they tell of;
this room takes them from there and delivers each at least once, or leaves it as a dead letter anyone can see.
It never changes a payment, never calls out inside a transaction, and never connects to an address that the
guard has not checked.
"""
