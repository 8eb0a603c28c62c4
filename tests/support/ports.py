"""Free ports for servers of tests, below the range from which the system gives out ports by itself.

A port from that range may be taken by an outgoing connection between two starts of the same server.
"""

from __future__ import annotations

import os
import socket
from itertools import count

_FIRST, _LAST = 28_000, 32_000
_next = count(os.getpid() * 37)


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on now; processes begin at different places, so that they rarely meet."""
    for _ in range(_LAST - _FIRST):
        port = _FIRST + next(_next) % (_LAST - _FIRST)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no port between {_FIRST} and {_LAST} is free")
