"""Where settings become objects: the rooms are put together here, served, and shown off.

Only main.py stands above. Nothing here decides anything about money.
"""
