from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import threading
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.ids import (
    milliseconds_of,
    new_id,
    new_name,
    new_name_at,
    uuid_bytes,
    uuid_text,
)

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
_FORKING: Final = """
import os
import limen.app.runtime
from limen.kernel.ids import new_name
new_name()
child = os.fork()
if child:
    os.waitpid(child, 0)
print(*[new_name() for _ in range(200 if child else 1)], flush=True)
os._exit(0)
"""
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_an_id_is_a_uuid_of_version_7_that_sorts_by_time() -> None:
    made = [new_id(NOW + dt.timedelta(milliseconds=each)) for each in range(500)]
    assert all(UUID7.fullmatch(each) for each in made)
    assert made == sorted(made)
    assert int(made[0].replace("-", "")[:12], 16) == NOW.timestamp() * 1000


def test_every_random_bit_of_an_id_is_used() -> None:
    ones, zeros = 0, 0
    for _ in range(500):
        value = int.from_bytes(uuid_bytes(new_id(NOW)))
        ones, zeros = ones | value, zeros | ~value
    random = (1 << 128) - 1 & ~(((1 << 48) - 1) << 80 | 0xF << 76 | 0b11 << 62)
    assert ones & zeros & random == random


def test_no_two_names_are_alike_whoever_asks() -> None:
    found: list[str] = []

    def ask() -> None:
        found.extend([new_name() for _ in range(2000)])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(found)) == 8000
    assert {len(each) for each in found} == {22}


def test_a_name_can_begin_with_its_moment() -> None:
    for milliseconds in range(1000):
        moment = NOW + dt.timedelta(milliseconds=milliseconds, microseconds=999)
        name = new_name_at(moment)
        assert milliseconds_of(name) == int(NOW.timestamp()) * 1000 + milliseconds
        assert len(name) == 22
    assert len({new_name_at(NOW)[8:] for _ in range(1000)}) == 1000, "80 bits are random"


@given(st.text())
def test_a_text_that_is_no_name_has_a_moment_without_meaning_or_none(text: str) -> None:
    found = milliseconds_of(text)
    assert found is None or 0 <= found < 1 << 48


def test_a_forked_process_names_nothing_as_its_parent_does() -> None:
    told = subprocess.check_output([sys.executable, "-c", _FORKING], text=True, timeout=60)
    child, *parent = told.split()
    assert len(parent) == 200
    assert len(child) == 22
    assert child not in parent


def test_a_uuid_is_read_and_written_alike() -> None:
    text = "01020304-0506-7708-890a-0b0c0d0e0f10"
    assert uuid_bytes(text) == bytes.fromhex("0102030405067708890a0b0c0d0e0f10")
    assert uuid_text(uuid_bytes(text)) == text
