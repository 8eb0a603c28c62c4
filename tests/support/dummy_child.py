"""A child process for tests of the supervisor: `python -m tests.support.dummy_child <how it behaves>`."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from typing import Never

from quickkub.cli.lifeline import inherited_socket, say_ready, stop_on_parent_exit
from quickkub.cli.supervisor import EXIT_CONFIGURATION


def main(behaviour: str) -> Never:
    print(f"{behaviour} begins", flush=True)
    match behaviour:
        case "worker" | "simulators":
            stop_on_parent_exit()
            say_ready()
        case "api":
            stop_on_parent_exit()
            _serve()
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            say_ready()
        case "never-ready":
            stop_on_parent_exit()
        case "crashes":
            print("the reason is here", file=sys.stderr)
            sys.exit(1)
        case "crashes-when-ready":
            say_ready()
            sys.exit(1)
        case "misconfigured":
            print("JWT_SECRET is too short", file=sys.stderr)
            sys.exit(EXIT_CONFIGURATION)
    while True:
        signal.pause()


def _serve() -> Never:
    """Answers every request with 200 and its own process number."""
    listener = inherited_socket("QUICKKUB_API_FD")
    assert listener is not None
    listener.setblocking(True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    body = str(os.getpid())
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
    while True:
        line, _ = listener.accept()
        threading.Thread(target=_answer, args=(line, answer), daemon=True).start()


def _answer(line: socket.socket, answer: bytes) -> None:
    with line:
        line.recv(65536)
        line.sendall(answer)


if __name__ == "__main__":
    main(sys.argv[1])
