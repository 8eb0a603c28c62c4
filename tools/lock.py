"""Pin requirements/*.txt again from pyproject.toml and requirements/*.in; `--upgrade` takes newer versions.

The pins hold on every platform and Python we promise (`--universal`), carry hashes, and name no address, so
that they can be read and installed behind any mirror.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from tools.tree import ROOT

_COMPILE: Final = [
    ".venv/bin/uv",
    "pip",
    "compile",
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--custom-compile-command=make lock",
]
# dev follows runtime, whose versions it keeps.
_PINS: Final = (
    ("bootstrap", ["requirements/bootstrap.in"]),
    ("runtime", ["pyproject.toml", "requirements/runtime.in"]),
    (
        "dev",
        [
            "pyproject.toml",
            "requirements/runtime.in",
            "requirements/dev.in",
            "-c",
            "requirements/runtime.txt",
        ],
    ),
)


def main(extra: list[str]) -> None:
    """Write the three files. A line that did not have to change does not."""
    for name, read in _PINS:
        output = f"requirements/{name}.txt"
        subprocess.run([*_COMPILE, *extra, *read, "-o", output], cwd=ROOT, check=True)
        print(f"wrote {output}")


if __name__ == "__main__":
    main(sys.argv[1:])
