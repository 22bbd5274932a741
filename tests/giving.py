"""Credentials of people's own, for tests of the vault: given, replaced, asked about."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from limen.db.work import Work
from limen.federation.describe_provider import Described, put_own_entry
from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.actor import Actor
from limen.simulators.vendor.keyring import entry_at
from limen.vault.credentials.material import Given, Material, read_material
from limen.vault.giving.give import Offered, give
from limen.vault.giving.rotate import Replacement, rotate
from limen.vault.giving.verify import verify
from limen.vault.model import TENANT_OWNER
from tests.vaults import Vault

ADAS_KEY = "simulated-key-of-ada"
GRACES_KEY = "simulated-key-of-grace"
ADAS_PAIR: dict[str, Any] = {"username": "ada", "password": "simulated-password-of-ada"}
ROBOT = "robot@project.iam.gserviceaccount.com"
KEY: dict[str, Any] = {"kind": "api_key", "key": ADAS_KEY}


def signing_key(kind: str = "rsa") -> tuple[str, str]:
    """A private key and its public half, in PEM."""
    made = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    private = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = made.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def key_file(private: str, account: str = ROBOT) -> dict[str, str]:
    """A key file as Google hands it out; where it says to ask leads elsewhere."""
    return {
        "type": "service_account",
        "client_email": account,
        "client_id": "1080",
        "private_key_id": "k1",
        "private_key": private,
        "token_uri": "https://evil.example/token",
    }


def material(kind: str = "api_key", **members: Any) -> Material:
    """A credential as somebody gives it."""
    return read_material(Given(kind=kind, members=members))  # type: ignore[arg-type]  # a test's


class Giving:
    """What a test does with credentials.

    Args:
        vault: With the simulated providers.
    """

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    async def furnish(self) -> None:
        """Take credentials at providers that do not know us."""
        for provider in ("github", "spotify"):
            await self.set_provider(provider)
        await self.describe()

    async def set_provider(self, provider: str) -> None:
        new = NewUpstreamClient(provider=provider, client_id="", credentials_only=True)
        envelope = self.vault.house.envelope
        await self.vault.run(lambda work: set_upstream_client(work, envelope, new=new))

    async def describe(self, **changes: Any) -> None:
        """Describe the keyring as a provider of the tenant's own, or differently."""
        document = {**entry_at(f"{self.vault.simulated.base_url}/keyring"), **changes}
        parts = self.vault.parts
        described = Described(id="keyring", document=document)

        async def body(work: Work) -> None:
            await put_own_entry(
                work, net=parts.net, providers=parts.catalogue.providers, described=described
            )

        await self.vault.run(body)
        await self.set_provider("keyring")

    async def give(
        self,
        actor: Actor,
        provider: str = "notion",
        *,
        features: tuple[str, ...] = (),
        for_tenant: bool = False,
        **told: Any,
    ) -> str:
        """Give a credential; return the connection's id."""
        offered = Offered(
            provider=provider,
            owner_id=TENANT_OWNER if for_tenant else actor.id,
            material=material(**(told or KEY)),
            features=features,
        )
        parts = self.vault.parts
        return await self.vault.run(lambda work: give(work, parts, offered=offered), actor=actor)

    async def rotate(
        self,
        actor: Actor,
        id_: str,
        *,
        seen: int | None = None,
        owner_id: str = "",
        features: tuple[str, ...] = (),
        **told: Any,
    ) -> None:
        wish = Replacement(
            connection_id=id_,
            owner_id=owner_id or actor.id,
            material=material(**told),
            seen_generation=seen,
            features=features,
        )
        parts = self.vault.parts
        await self.vault.run(lambda work: rotate(work, parts, wish=wish), actor=actor)

    async def verify(self, actor: Actor, id_: str, *, owner_id: str = "") -> bool:
        parts = self.vault.parts
        return await self.vault.run(
            lambda work: verify(work, parts, connection_id=id_, owner_id=owner_id or actor.id),
            actor=actor,
        )

    async def robot(self, *may_speak_for: str, provider: str = "google") -> str:
        """Register a service account at a provider; return its private key."""
        private, public = signing_key()
        account = {"public_key": public, "may_speak_for": list(may_speak_for)}
        await self.vault.simulated.order(provider, service_accounts={ROBOT: account})
        return private

    async def calls(self, provider: str) -> dict[str, int]:
        """How often each operation was asked."""
        found: dict[str, int] = (await self.vault.simulated.seen(provider))["calls"]
        return found

    async def columns(self, *columns: sa.ColumnElement[Any]) -> list[Any]:
        async def body(work: Work) -> list[Any]:
            rows = (await work.execute(sa.select(*columns))).all()
            return [tuple(row._asdict().values()) for row in rows]

        return await self.vault.run(body)


@pytest.fixture
async def giving(vault: Vault) -> Giving:
    made = Giving(vault)
    await made.furnish()
    return made
