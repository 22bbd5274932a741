"""How a resource learns whether a token is good, and what it stands for."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from limen.crypto.keyring import Keyring
from limen.db.work import Work, Works
from limen.kernel.clock import Clock, from_timestamp
from limen.kernel.errors import Unavailable
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.net.client import Net
from limen.protocol.jwt import Claims, JwtRefused, read_kid
from limen.protocol.sender.confirmation import from_cnf, token_type
from limen.protocol.sender.nonce import check_nonce
from limen.protocol.sender.proof import Proof
from limen.protocol.sender.refusal import replayed
from limen.tokens.api_keys.model import PEOPLES_KEYS
from limen.tokens.look_up import ActiveToken, active_token, grant_of, look_up_access
from limen.tokens.replay.first_time import first_time
from limen.tokens.resource.remote_keys import RemoteKeys
from limen.tokens.resource.seen_proofs import SeenProofs
from limen.tokens.sender.by_proof import nonce_key
from limen.tokens.verify_access_token import verify_access_token

_LATEST: Final = 2**31


class Source(Protocol):
    """Answers whether a token is good for an audience."""

    @property
    def issuer(self) -> str:
        """The authorization server."""
        ...

    async def find(self, raw: Secret[str], *, audience: str) -> ActiveToken | None:
        """Return what a token stands for, or ``None`` if it is not good here and now.

        Raises:
            Unavailable: If that can't be known; the caller must not let the request in.
        """
        ...

    def now(self) -> dt.datetime:
        """Return the moment, as tokens and proofs are checked at."""
        ...

    async def accept_proof(self, proof: Proof, *, needs_nonce: bool) -> str:
        """Take a DPoP proof that holds for this request, once.

        Returns:
            The nonce for the next one; empty where nonces are not in use.

        Raises:
            ProofRefused: It was presented before.
            NonceRefused: It lacks a nonce of ours.
            Unavailable: If nobody can tell.
        """
        ...


class InProcess:
    """Asks the database: revocations, disabled users and ended sessions count at once.

    Args:
        works: The server's own.
        site: The tenant whose tokens are taken.
        keyring: Verifies signatures.
    """

    def __init__(self, works: Works, site: Site, keyring: Keyring) -> None:
        self._works = works
        self._site = site
        self._keyring = keyring

    @property
    def issuer(self) -> str:
        """The tenant's issuer."""
        return self._site.issuer

    async def find(self, raw: Secret[str], *, audience: str) -> ActiveToken | None:
        """Look the token up in one statement."""

        async def body(work: Work) -> ActiveToken | None:
            return await look_up_access(work, keyring=self._keyring, raw=raw)

        token = await self._works.run(self._site, body)
        return token if token is not None and token.audience == audience else None

    def now(self) -> dt.datetime:
        """The server's."""
        return self._works.clock.now()

    async def accept_proof(self, proof: Proof, *, needs_nonce: bool) -> str:
        """Remember it in the database, for all nodes; nonces are the tenant's."""

        async def body(work: Work) -> str:
            nonce = ""
            if needs_nonce or proof.nonce is not None:
                key = await nonce_key(work, self._keyring.envelope)
                nonce = check_nonce(proof.nonce, key, now=work.now)
            if not await first_time(
                work, kind="dpop_proof", of=proof.jkt, value=proof.jti, until=proof.until
            ):
                raise replayed()
            return nonce

        return await self._works.run(self._site, body)


class Remote:
    """Verifies JWTs with the issuer's published keys, and introspects opaque tokens.

    A signature says nothing of a later revocation: it counts when the token expires, in 15
    minutes at most by default. With ``always_introspect`` it counts at once, for a call each.

    Args:
        issuer: The authorization server.
        net: The outbound client; the issuer must be within what it may call.
        clock: Says when a token has expired.
        client_id: Of this API as a client that may introspect; empty if it never does.
        client_secret: Its secret.
        always_introspect: Whether JWTs are introspected too.
        proofs: Remembers DPoP proofs, and knows the nonces for them.
    """

    def __init__(  # noqa: PLR0913 -- each is a choice of whoever sets an API up
        self,
        issuer: str,
        *,
        net: Net,
        clock: Clock,
        client_id: str = "",
        client_secret: Secret[str] | None = None,
        always_introspect: bool = False,
        proofs: SeenProofs | None = None,
    ) -> None:
        if always_introspect and client_secret is None:
            raise ValueError("introspection needs a client_id and client_secret")
        self._issuer = issuer
        self._net = net
        self._clock = clock
        self._keys = RemoteKeys(net, f"{issuer}/oauth2/jwks")
        self._basic = _basic(client_id, client_secret)
        self._always_introspect = always_introspect
        self._proofs = proofs if proofs is not None else SeenProofs()

    @property
    def issuer(self) -> str:
        """As given."""
        return self._issuer

    async def find(self, raw: Secret[str], *, audience: str) -> ActiveToken | None:
        """Verify here, or ask there."""
        if raw.reveal().count(".") == 2:
            claims = await self._verify(raw, audience)
            if claims is None or not _is_shaped(claims):
                return None
            if not self._always_introspect:
                return _from_claims(claims)
        elif self._basic is None:
            return None
        return await self._introspect(raw, audience)

    def now(self) -> dt.datetime:
        """The clock's."""
        return self._clock.now()

    async def accept_proof(self, proof: Proof, *, needs_nonce: bool) -> str:
        """Remember it in this process."""
        return self._proofs.accept(proof, needs_nonce=needs_nonce, now=self.now())

    async def _verify(self, raw: Secret[str], audience: str) -> Claims | None:
        try:
            keys = await self._keys.get(read_kid(raw.reveal()))
            return verify_access_token(
                raw, keys, issuer=self._issuer, audience=audience, now=self._clock.now()
            )
        except JwtRefused:
            return None

    async def _introspect(self, raw: Secret[str], audience: str) -> ActiveToken | None:
        """Ask the issuer (RFC 7662); anything but a clear yes is a no or an error (N247)."""
        assert self._basic is not None
        answer = await self._net.fetch(
            "POST",
            f"{self._issuer}/oauth2/introspect",
            headers={
                "Authorization": self._basic.reveal(),
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
            body=urlencode({"token": raw.reveal(), "token_type_hint": "access_token"}).encode(),
        )
        if answer.status != 200:
            raise Unavailable("issuer_unavailable", "The token can't be checked now.")
        said = answer.json_object()
        if said.get("active") is not True or not self._is_for(said, audience):
            return None
        return _from_claims(said)

    def _is_for(self, said: Mapping[str, Any], audience: str) -> bool:
        """Say whether an introspection is about a live access token of this issuer for us."""
        exp = said.get("exp")
        texts = [said.get(name) for name in ("sub", "client_id", "jti")]
        return (
            said.get("iss") == self._issuer
            and said.get("aud") == audience
            # Refresh tokens are introspected too, and open no API: they have no token type.
            and said.get("token_type") == token_type(from_cnf(said))
            and all(isinstance(text, str) and text for text in texts)
            and _is_shaped(said)
            and isinstance(said.get("iat"), int)
            and isinstance(exp, int)
            and 0 < exp < _LATEST
            and self._clock.now() < from_timestamp(exp)
        )


def _basic(client_id: str, client_secret: Secret[str] | None) -> Secret[str] | None:
    """Return the Basic credentials, each half form-encoded (RFC 6749 §2.3.1)."""
    if client_secret is None:
        return None
    pair = f"{quote(client_id, safe='')}:{quote(client_secret.reveal(), safe='')}"
    return Secret("Basic " + base64.b64encode(pair.encode()).decode())


def _is_shaped(claims: Mapping[str, Any]) -> bool:
    """Say whether the optional claims have their types; a wrong one must not become an error."""
    return (
        isinstance(claims.get("scope", ""), str)
        and isinstance(claims.get("amr", []), list)
        and isinstance(claims.get("cnf", {}), dict)
        and isinstance(claims.get("acr", ""), str)
        and isinstance(claims.get("auth_time", 0), int)
    )


def _from_claims(claims: Mapping[str, Any]) -> ActiveToken:
    """Describe a token from its claims alone; a person's ``sub`` is all that is known of them."""
    grant_id = grant_of(claims["jti"])
    is_persons = grant_id is not None or claims["client_id"] == PEOPLES_KEYS
    user_id = claims["sub"] if is_persons else None
    return active_token(claims, user_id=user_id, grant_id=grant_id)
