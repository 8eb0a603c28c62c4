"""Make `.venv` ready for `make run` (runtime) or `make test` (dev); does nothing when it already is.

Runs on the machine's own Python before anything is installed, so with the standard library only. The
Makefile has seen to it that this Python is new enough.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "prepared.json"
# Variables that would make the new environment read another Python's packages, or install outside itself.
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
PIP_TO_UV = (("index-url", "UV_DEFAULT_INDEX"), ("extra-index-url", "UV_INDEX"), ("cert", "SSL_CERT_FILE"))


def say(text: str) -> None:
    """One line to a person; flushed, so that it stands before what pip and uv print."""
    print(text, flush=True)


def refuse(text: str) -> None:
    """Stop with a message that says what to do."""
    sys.exit("QuickKub cannot be set up yet: " + text)


def check_python() -> None:
    """Refuse a Python without the modules that make a virtual environment; Debian packs them on their own."""
    try:
        __import__("ensurepip")
        __import__("venv")
    except ImportError:
        here = "{}.{}".format(*sys.version_info[:2])
        refuse(
            f"`{sys.executable}` has no venv and ensurepip modules.\n"
            f"On Debian and Ubuntu: sudo apt-get install python{here}-venv (or python3-venv)"
        )


def digest(kind: str) -> str:
    """What an environment of this kind is made from; another digest means it must be brought up to date."""
    parts = ("requirements/bootstrap.txt", f"requirements/{kind}.txt", "pyproject.toml", "tools/prepare.py")
    return hashlib.sha256(b"\0".join((ROOT / part).read_bytes() for part in parts)).hexdigest()


def read_stamp() -> dict[str, str]:
    """What the last finished run wrote, or nothing when there was none or it was cut off."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_ours() -> bool:
    """Whether `.venv` was made here and still runs; scripts in a moved one point at the old place."""
    try:
        made_by = (VENV / "pyvenv.cfg").read_text()
    except OSError:
        return False
    if not any(line.endswith(f" {VENV}") for line in made_by.splitlines()):
        return False
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return PYTHON.exists() and subprocess.run([str(PYTHON), "-c", probe], check=False).returncode == 0


def environment() -> dict[str, str]:
    """The caller's environment without what leads elsewhere, with pip's index settings passed on to uv."""
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    env.update(PIP_DISABLE_PIP_VERSION_CHECK="1", UV_PYTHON_DOWNLOADS="never")
    # With more than one index any of them may hold the pinned version; the hashes say whether it is right.
    env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    settings = pip_settings(env)
    for setting, variable in PIP_TO_UV:
        if settings.get(setting) and not env.get(variable):
            env[variable] = settings[setting]
    return env


def pip_settings(env: dict[str, str]) -> dict[str, str]:
    """What pip's files and variables say, by option (`index-url`), the strongest last; uv reads neither."""
    command = [str(PYTHON), "-m", "pip", "config", "list"]
    listed = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout
    found = {}
    for scope in ("global.", "install.", ":env:."):
        for line in listed.splitlines():
            option, _, value = line.partition("=")
            if option.startswith(scope):
                found[option[len(scope) :]] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    return found


def pip_install(*arguments: str) -> list[str]:
    """The command that installs with the environment's own pip."""
    return [str(PYTHON), "-m", "pip", "install", *arguments]


def uv_install(*arguments: str) -> list[str]:
    """The same with uv, several times faster."""
    return [str(VENV / "bin" / "uv"), "pip", "install", "--python", str(PYTHON), *arguments]


def install(kind: str) -> None:
    """Install the pinned packages, then this project in place. Stops with what to do when either fails.

    Both run with uv, or with pip where uv has no wheel or cannot reach the index; the hashes are the same.
    """
    env = environment()

    def done(command: list[str]) -> bool:
        return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode == 0

    pinned = ("--require-hashes", "-r", f"requirements/{kind}.txt")
    in_place = ("--no-build-isolation", "--no-deps", "--editable", ".")
    with_uv = done(pip_install("--require-hashes", "-r", "requirements/bootstrap.txt"))
    # Compiled now, as pip does by itself: otherwise every first start does it, three processes side by side.
    compiled = ("--compile-bytecode", *pinned)
    if with_uv and done(uv_install(*compiled)) and done(uv_install(*in_place)):
        done([str(PYTHON), "-m", "compileall", "-q", "src"])
        return
    say("uv could not do it here, so pip does; this takes a little longer.")
    if not done(pip_install(*pinned)):
        refuse(
            "the pinned packages could not be installed; the lines above say why.\n"
            "When the package index could not be reached, run the same command again: what arrived is kept."
        )
    if not done(pip_install(*in_place)):
        refuse("the project itself could not be installed into .venv; the lines above say why.")


def prepare(kind: str) -> None:
    """Bring `.venv` up to date for this kind of work and leave a stamp that says so."""
    wanted, stamp = digest(kind), read_stamp()
    if stamp.get(kind) == wanted and stamp.get("root") == str(ROOT) and PYTHON.exists():
        return
    if not is_ours():
        say("Making .venv with Python {}.{}.{} ...".format(*sys.version_info[:3]))
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        stamp = {}
    say(f"Installing the pinned packages of requirements/{kind}.txt ...")
    install(kind)
    # Everything runtime needs is in dev at the same versions (tools/check_requirements.py proves it).
    done = {kind: wanted} if kind == "runtime" else {kind: wanted, "runtime": digest("runtime")}
    kept = {name: value for name, value in stamp.items() if name in ("runtime", "dev")}
    STAMP.write_text(json.dumps({**kept, **done, "root": str(ROOT)}, indent=1) + "\n")


def main() -> None:
    """Two terminals may run `make run` and `make test` at the same moment; the second waits for the first."""
    kind = sys.argv[1] if len(sys.argv) > 1 else ""
    if kind not in ("runtime", "dev"):
        refuse("say what for: python3 tools/prepare.py runtime|dev")
    check_python()
    with (ROOT / "pyproject.toml").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prepare(kind)


if __name__ == "__main__":
    main()
