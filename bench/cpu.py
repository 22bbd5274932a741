"""What a process used: CPU time and memory, from /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_CORES: Final = sorted(os.sched_getaffinity(0))


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and the children it has waited for or has now."""
    return sum(_own_seconds(each) for each in [pid, *children(pid)])


def leave_a_core() -> None:
    """Keep off the first core, with what is started from now on: load and database too."""
    os.sched_setaffinity(0, _CORES[1:] or _CORES)


def take_all_cores() -> None:
    """Be anywhere again."""
    os.sched_setaffinity(0, _CORES)


def give_core(pid: int) -> None:
    """Let a server have the first core, as it has one on a machine of its own."""
    for each in [pid, *children(pid)]:
        for task in Path(f"/proc/{each}/task").iterdir():
            os.sched_setaffinity(int(task.name), _CORES[:1])


def children(pid: int) -> list[int]:
    """Return the living descendants of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


def parent(pid: int) -> int:
    """Return the process that started this one."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def pss_megabytes(pid: int) -> float:
    """Return a process's proportional share of memory."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no Pss in smaps_rollup")


def _own_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
