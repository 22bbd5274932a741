from __future__ import annotations

import asyncio
from collections.abc import Iterator

import argon2
import pytest

from limen.crypto.passwords import OWASP_MINIMUM, Cost, PasswordHasher, threads_for
from limen.db.work import Work, Works
from limen.kernel.errors import Unavailable
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from tests.unit.crypto.kit import fresh

pytestmark = pytest.mark.anyio

CHEAP = Cost(memory_kib=64, passes=1)


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    made = PasswordHasher(cost=CHEAP)
    yield made
    made.close()


async def test_a_password_verifies_against_its_hash_alone(hasher: PasswordHasher) -> None:
    raw = Secret("correct horse")
    stored = await hasher.hash(raw)
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert stored != await hasher.hash(raw)
    assert await hasher.verify(stored, raw)
    assert not await hasher.verify(stored, Secret("correct horsf"))
    assert not await hasher.verify(stored, Secret(""))


async def test_any_text_is_a_password(hasher: PasswordHasher) -> None:
    for text in ("", "é" * 300, "a\0b", "\ud800", "💣" * 1000):
        assert await hasher.verify(await hasher.hash(Secret(text)), Secret(text))
    assert not await hasher.verify(await hasher.hash(Secret("a\0b")), Secret("a"))


@pytest.mark.parametrize(
    "stored", [None, "", "!", "x", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv", "é"]
)
async def test_n138_without_a_usable_hash_the_answer_is_no(
    hasher: PasswordHasher, stored: str | None
) -> None:
    for raw in ("", "!", "x", stored or ""):
        assert not await hasher.verify(stored, Secret(raw))


async def test_n139_an_unknown_account_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasswordHasher(cost=OWASP_MINIMUM)
    stored = await hasher.hash(Secret("right"))
    done: list[argon2.Parameters] = []
    original = argon2.low_level.verify_secret

    def noting(against: bytes, secret: bytes, kind: argon2.Type) -> bool:
        done.append(argon2.extract_parameters(against.decode()))
        return original(against, secret, kind)

    monkeypatch.setattr("argon2._password_hasher.verify_secret", noting)
    for against in (stored, None, "", "!", "$argon2id$rubbish"):
        assert not await hasher.verify(against, Secret("wrong"))
    hasher.close()
    # One verification each, at the same cost in memory and passes and of the same length.
    assert done == [argon2.extract_parameters(stored)] * 5


async def test_a_hash_of_another_cost_wants_to_be_made_anew(hasher: PasswordHasher) -> None:
    assert not hasher.needs_rehash(await hasher.hash(Secret("a")))
    assert hasher.needs_rehash(argon2.PasswordHasher(time_cost=2, memory_cost=64).hash("a"))
    assert hasher.needs_rehash("$2b$12$rubbish")


async def test_a_full_queue_sheds_load_and_recovers() -> None:
    hasher = PasswordHasher(threads=1, max_waiting=3, cost=CHEAP)
    answers = await asyncio.gather(
        *[hasher.hash(Secret("a")) for _ in range(20)], return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 16
    assert refused[0].code == "busy"
    assert await hasher.hash(Secret("a"))
    hasher.close()


async def test_a_cancelled_caller_leaves_the_count_right() -> None:
    hasher = PasswordHasher(threads=1, max_waiting=1, cost=CHEAP)
    for _ in range(5):
        task = asyncio.create_task(hasher.hash(Secret("a")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while hasher._pending:  # noqa: ASYNC110 -- the thread's end wakes nobody we could await
            await asyncio.sleep(0)
    assert await hasher.hash(Secret("a"))
    hasher.close()


async def test_no_hash_inside_a_transaction(
    works: Works, site: Site, hasher: PasswordHasher
) -> None:
    envelope = fresh().envelope

    async def body(work: Work) -> None:
        await hasher.hash(Secret("a"))
        await envelope.create_keys(work)
        await hasher.hash(Secret("a"))

    with pytest.raises(RuntimeError, match="open transaction"):
        await works.run(site, body)


def test_threads_are_cores_among_the_workers() -> None:
    assert threads_for(1) >= 1
    assert threads_for(10_000) == 1
