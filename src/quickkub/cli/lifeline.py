"""What a child process of `quickkub up` does to live and die with its supervisor.

The supervisor hands each child two pipes by number: the read end of one it never writes to, which closes
when the supervisor ends in any way, and the write end of one on which the child says that it is ready. A
process that was started by hand has neither, and everything here does nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
import time
from typing import Final

LIFELINE_VARIABLE: Final = "QUICKKUB_LIFELINE_FD"
READY_VARIABLE: Final = "QUICKKUB_READY_FD"

LAST_SECONDS: Final = 3.0
"""How long a child without a supervisor may tidy up. Short: the next run wants the port it holds."""

_PR_SET_PDEATHSIG: Final = 1
_EX_UNAVAILABLE: Final = 69


def stop_on_parent_exit() -> None:
    """End this process when its supervisor ends: SIGTERM to ourselves, and after 3 s the hard way.

    Call it first thing in a child. A thread watches the pipe, so it also works while the event loop is
    busy; on Linux the kernel is asked to send the signal, too.
    """
    lifeline = _inherited(LIFELINE_VARIABLE)
    if lifeline is None:
        return
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch, args=(lifeline,), name="lifeline", daemon=True).start()


def say_ready() -> None:
    """Tell the supervisor that this process does its work now. Later calls do nothing."""
    ready = _inherited(READY_VARIABLE)
    if ready is not None:
        with contextlib.suppress(BrokenPipeError):
            os.write(ready, b"1")
        os.close(ready)


def inherited_socket(variable: str) -> socket.socket | None:
    """The listening socket whose number stands in this environment variable, or None."""
    number = _inherited(variable)
    return None if number is None else socket.socket(fileno=number)


def _inherited(variable: str) -> int | None:
    """The file descriptor named by a variable; taken out, so that our own children do not look for it."""
    number = os.environ.pop(variable, None)
    if number is None:
        return None
    os.set_inheritable(int(number), False)
    return int(number)


def _watch(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_SECONDS)
    os._exit(_EX_UNAVAILABLE)
