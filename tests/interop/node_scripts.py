"""Run a foreign client's script in Node and read what it reports."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from limen.testing.node import node_path

FOLDER = Path(__file__).parent / "node"


def run_script(name: str, task: dict[str, Any]) -> Any:
    """Run ``node/{name}``; return its report."""
    done = subprocess.run(
        [node_path(), FOLDER / name, json.dumps(task)],
        capture_output=True,
        text=True,
        cwd=FOLDER,
        timeout=90,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)
