"""A whole gateway in figures: from a clean clone to a paid payment, restart, idle memory.

    .venv/bin/python bench/gateway.py [clean-clone] [restart] [memory]

Each is measured from outside, on a throw-away folder and free ports. `clean-clone` clones what is
committed and runs `make run` in it with an empty home folder, so that every package is downloaded again.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from quickkub.house.outside import PORTS_IN_A_ROW, RunningGateway, call, fetch_json, free_port
from quickkub.promptpay import parse_payment

ROOT: Final = Path(__file__).resolve().parent.parent
READY: Final = "is running"
START_SECONDS: Final = 600
PAYMENT_SECONDS: Final = 60
IDLE_SECONDS: Final = 15
ROUNDS: Final = 7


def say(text: str) -> None:
    """One line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def throw_away() -> Iterator[Path]:
    """A folder that PostgreSQL's account can reach, too; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="quickkub-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def take_a_payment(url: str, key: str, simulator: str) -> None:
    """Ask for 150 baht, pay it in SCB's simulator, and wait until the API says that it succeeded."""
    shop = {"url": url, "api_key": key}
    order = {"amount": 15_000, "currency": "THB", "method": "promptpay"}
    payment = call(shop, "POST", "/v1/payments", order, f"bench-{time.time_ns()}")
    reference = parse_payment(payment["next_action"]["qr_payload"]).ref1
    fetch_json(f"{simulator}/_sim/payments/{reference}/pay", {})
    deadline = time.monotonic() + PAYMENT_SECONDS
    while call(shop, "GET", f"/v1/payments/{payment['id']}")["status"] != "succeeded":
        if time.monotonic() > deadline:
            sys.exit(f"{payment['id']} was paid and has not succeeded")
        time.sleep(0.02)


def clean_clone() -> None:
    """Seconds from `git clone` to a payment that has succeeded."""
    with throw_away() as folder:
        clone, data, home = folder / "clone", folder / "data", folder / "home"
        home.mkdir()
        data.mkdir(mode=0o711)
        url, simulator = (f"http://127.0.0.1:{port}" for port in (free_port(), free_port(PORTS_IN_A_ROW)))
        env = {name: value for name, value in os.environ.items() if not name.startswith(("QUICKKUB_", "UV_"))}
        env |= {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "QUICKKUB_DATA_DIR": str(data),
            "QUICKKUB_TEST_RATE": "10000",
            "QUICKKUB_PORT": url.rpartition(":")[2],
            "QUICKKUB_SIMULATORS_PORT": simulator.rpartition(":")[2],
        }
        began = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        log = folder / "run.log"
        with log.open("wb") as out:
            run = subprocess.Popen(
                ["make", "run"], cwd=clone, env=env, stdout=out, stderr=out, start_new_session=True
            )
        try:
            installed = wait_for(log, "Starting PostgreSQL", run)
            started = wait_for(log, READY, run)
            key = re.search(r"qk_test_\w+", log.read_text(encoding="utf-8", errors="replace"))
            assert key is not None, "the welcome shows the test key"
            take_a_payment(url, key[0], simulator)
            paid = time.monotonic()
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGINT)
            run.wait(60)
    say(
        f"clean clone to paid payment: {paid - began:.1f} s (clone and set-up {installed - began:.1f}, "
        f"first start {started - installed:.1f}, payment {paid - started:.1f})"
    )


def wait_for(log: Path, words: str, process: subprocess.Popen[bytes]) -> float:
    """The moment the words stood in the log."""
    deadline = time.monotonic() + START_SECONDS
    while words not in log.read_text(encoding="utf-8", errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"it did not come to {words!r}:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)
    return time.monotonic()


def restart() -> None:
    """Seconds a stopped gateway with data takes until it accepts requests again."""
    with throw_away() as folder:
        took = []
        for _ in range(ROUNDS + 1):
            gateway = RunningGateway(folder)
            began = time.monotonic()
            gateway.start()
            took.append(time.monotonic() - began)
            gateway.stop()
    again = took[1:]
    say(f"restart: {statistics.median(again):.2f} s (of {ROUNDS}: {min(again):.2f} to {max(again):.2f})")
    say(f"first start on an empty folder: {took[0]:.2f} s")


def memory() -> None:
    """Memory of each process of an idle gateway that has taken one payment: its fair share (PSS) in MiB."""
    with throw_away() as folder:
        gateway = RunningGateway(folder)
        shop = gateway.start()
        assert gateway.process is not None
        take_a_payment(shop["url"], shop["api_key"], gateway.simulator)
        time.sleep(IDLE_SECONDS)
        shares: dict[str, list[float]] = {}
        # PostgreSQL outlives a killed gateway, so it is not below it; its own file says where it is.
        postmasters = [int(path.read_text().split()[0]) for path in folder.rglob("postmaster.pid")]
        for pid in (one for top in (gateway.process.pid, *postmasters) for one in family(top)):
            shares.setdefault(name_of(pid), []).append(pss_mib(pid))
        gateway.stop()
    for name, parts in shares.items():
        many = f" in {len(parts)} processes" if len(parts) > 1 else ""
        say(f"idle memory: {name} {sum(parts):.0f} MiB{many}")
    say(f"idle memory: all {sum(map(sum, shares.values())):.0f} MiB")


def family(pid: int) -> list[int]:
    """A process and everything below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def name_of(pid: int) -> str:
    """`quickkub up`, `quickkub serve api`, `postgres`."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ").split()
    if "postgres" in " ".join(words[:2]):
        return "postgres"
    return "quickkub " + " ".join(word for word in words[3:5] if not word.startswith("-"))


def pss_mib(pid: int) -> float:
    """Proportional set size: memory shared between processes counts once."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found is not None, "Linux tells the share of memory"
    return int(found[1]) / 1024


BENCHES: Final[dict[str, Callable[[], None]]] = {
    "clean-clone": clean_clone,
    "restart": restart,
    "memory": memory,
}

if __name__ == "__main__":
    for chosen in sys.argv[1:] or BENCHES:
        BENCHES[chosen]()
