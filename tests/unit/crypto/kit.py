"""An envelope and a keyring over a test's database, with ready-made RSA keys."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.crypto.kms import LocalKey, WrappingKeys
from limen.db.work import Work, Works
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.protocol.jwk import KeyAlgorithm, SigningKey, generate_key

OTHER_SITE = Site("othertenan", "other", "http://localhost:8000/t/other", "/t/other")
_rsa: list[SigningKey] = []
_turn = itertools.count()


async def make_quickly(alg: KeyAlgorithm) -> SigningKey:
    """Make a key; RSA keys come from a handful made once."""
    if alg != "RS256":
        return generate_key(alg)
    if len(_rsa) < 6:
        _rsa.append(generate_key(alg))
        return _rsa[-1]
    return _rsa[next(_turn) % len(_rsa)]


def wrapping_key(byte: int = 1) -> LocalKey:
    return LocalKey(Secret(bytes([byte, *range(31)])))


@dataclass
class Crypto:
    envelope: Envelope
    keyring: Keyring


def fresh(keys: WrappingKeys | None = None) -> Crypto:
    """What another process would hold: empty caches over the same database."""
    envelope = Envelope(keys or WrappingKeys(wrapping_key()))
    return Crypto(envelope, Keyring(envelope, make=make_quickly))


async def with_keys(works: Works, site: Site) -> Crypto:
    crypto = fresh()

    async def body(work: Work) -> None:
        await crypto.envelope.create_keys(work)
        await crypto.keyring.create_keys(work)

    await works.run(site, body)
    return crypto
