from __future__ import annotations

import base64
import stat
import threading
from pathlib import Path

import pytest

from limen.crypto.kms import (
    LocalKey,
    WrappingKeys,
    WrongWrappingKey,
    load_wrapping_keys,
)
from limen.kernel.errors import ConfigurationError
from limen.kernel.secret import Secret

pytestmark = pytest.mark.anyio

RAW = bytes(range(32))
SPELLINGS = [
    base64.b64encode(RAW).decode(),
    base64.urlsafe_b64encode(RAW).decode(),
    base64.urlsafe_b64encode(RAW).decode().rstrip("="),
    RAW.hex(),
    RAW.hex().upper(),
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_of_a_key_is_the_same_key(text: str, tmp_path: Path) -> None:
    keys = load_wrapping_keys(master_key=Secret(text), master_key_file=tmp_path / "none")
    assert keys.current.id == LocalKey(Secret(RAW)).id
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "text", ["", "secret", "A" * 42, "A" * 45, "0" * 64, "A" * 43, "f" * 63, "é" * 43, f"{SPELLINGS[0]},,"]
)  # fmt: skip
def test_what_is_no_key_is_refused_without_quoting_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_wrapping_keys(master_key=Secret(text), master_key_file=tmp_path / "none")
    assert "LIMEN_MASTER_KEY" in str(caught.value)
    assert not text or text not in str(caught.value)


def test_earlier_keys_follow_the_first(tmp_path: Path) -> None:
    old = bytes(range(1, 33)).hex()
    keys = load_wrapping_keys(master_key=Secret(f"{RAW.hex()}, {old}"), master_key_file=tmp_path)
    assert keys.current.id == LocalKey(Secret(RAW)).id
    assert len(keys.ids) == 2


def test_a_file_is_made_private_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "data" / "master.key"
    first = load_wrapping_keys(master_key=None, master_key_file=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_wrapping_keys(master_key=None, master_key_file=path).ids == first.ids
    assert [entry.name for entry in path.parent.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    load_wrapping_keys(master_key=None, master_key_file=path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_wrapping_keys(master_key=None, master_key_file=path)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\xff\xfe"])
def test_a_broken_file_is_refused_and_kept(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"master\.key"):
        load_wrapping_keys(master_key=None, master_key_file=path)
    assert path.read_bytes() == content


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    barrier = threading.Barrier(8)
    found: list[frozenset[str]] = []

    def start() -> None:
        barrier.wait()
        found.append(load_wrapping_keys(master_key=None, master_key_file=path).ids)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.key"]


async def test_a_wrapped_key_opens_with_its_key_and_context_alone() -> None:
    one, two = LocalKey(Secret(RAW)), LocalKey(Secret(bytes(range(1, 33))))
    wrapped = await one.wrap(Secret(b"k" * 32), context=b"here")
    assert (await one.unwrap(wrapped, context=b"here")).reveal() == b"k" * 32
    assert await one.wrap(Secret(b"k" * 32), context=b"here") != wrapped
    for key, text, context in [
        (two, wrapped, b"here"),
        (one, wrapped, b"there"),
        (one, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"here"),
        (one, b"", b"here"),
    ]:
        with pytest.raises(WrongWrappingKey):
            await key.unwrap(text, context=context)
    with pytest.raises(WrongWrappingKey):
        WrappingKeys(one).get(two.id)
