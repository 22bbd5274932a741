"""Write the hash-pinned sets under ``requirements/`` (``make lock``).

No index address enters a file: a pin is a name, a version and the hashes of what may be
installed. Which index serves it is the reader's own affair.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".tools" / "bin" / "uv"

HEADER = """\
# {what}
# Made by `make lock` from pyproject.toml; don't edit by hand.
"""

SETS = {
    "runtime": ("What `limen` needs to run.", ["pyproject.toml"]),
    "build": ("What builds the package itself.", ["--group", "build"]),
    "uv": ("The installer that `make install` brings along.", ["--group", "uv"]),
    "dev": (
        "Everything for `make run`, `make check` and `make test`.",
        ["pyproject.toml", "--group", "dev"],
    ),
}


def lock(name: str, *, upgrade: bool) -> None:
    """Resolve one set; versions already pinned stay unless ``upgrade``."""
    what, sources = SETS[name]
    target = ROOT / "requirements" / f"{name}.txt"
    command: list[str | Path] = [
        UV,
        "pip",
        "compile",
        *sources,
        "--universal",
        "--python-version",
        "3.11",
    ]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"]
    command += ["--system-certs", "--quiet", "--output-file", str(target)]
    if name == "dev":
        command += [
            "--constraint",
            "requirements/runtime.txt",
            "--constraint",
            "requirements/build.txt",
        ]
    if upgrade:
        command.append("--upgrade")
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    pins = target.read_text()
    target.write_text(HEADER.format(what=what) + pins)
    print(f"requirements/{name}.txt: {pins.count('==')} pins")


def main() -> None:
    """Lock every set, the runtime first: the others follow its versions."""
    for name in SETS:
        lock(name, upgrade="--upgrade" in sys.argv)


if __name__ == "__main__":
    main()
