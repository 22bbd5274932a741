"""The project's own files, read once for the architecture tests."""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
import re
import subprocess
from pathlib import Path
from types import ModuleType

import limen

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "limen"


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(SOURCE.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imported(names: str = ".") -> tuple[ModuleType, ...]:
    """Import the modules of the package whose name matches; programs and migrations never."""
    found = [module.name for module in pkgutil.walk_packages(limen.__path__, "limen.")]
    wanted = [n for n in found if not n.endswith("__main__") and ".migrations" not in n]
    return tuple(importlib.import_module(name) for name in wanted if re.search(names, name))


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Every file that is, or would be, in the repository; of an unpacked archive, all of it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode:
        made = {".venv", ".tools", "node_modules", "var", "__pycache__"}
        found = (p for p in ROOT.rglob("*") if not made & set(p.parts) and ".cache" not in p.name)
        return tuple(sorted(path for path in found if path.is_file()))
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def comments_at(path: Path, first_line: int, last_line: int) -> str:
    """Return the text of some lines and of the comment lines directly above them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    above = first_line - 1
    while above and lines[above - 1].lstrip().startswith("#"):
        above -= 1
    return "\n".join(lines[above:last_line])
