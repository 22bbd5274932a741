"""Keys that sign and verify: imported once, kept, and each good for named algorithms alone.

A key decides which algorithms it may be used with; a token's header only chooses among them
(RFC 8725 §3.1). Shared secrets and public keys never meet in one set by accident: a secret is
only ever imported by ``secret_key_set``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.protocol.jose import MAX_KID_CHARS, JwtRefused, decode_part

KeyAlgorithm = Literal["ES256", "RS256", "PS256", "EdDSA"]
"""What a signing key of ours is made for."""

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MIN_SECRET_BYTES: Final = 32
MAX_KEYS: Final = 64

EDDSA: Final = frozenset({"EdDSA", "Ed25519"})
"""Two names of one algorithm: RFC 8037's, and RFC 9864's that replaces it."""

PRIVATE_MEMBERS: Final = frozenset({"d", "k", "p", "q", "dp", "dq", "qi", "oth"})
_TEXTS: Final = ("kty", "use", "alg", "kid", "crv", "x", "y", "n", "e", "x5u", "x5t", "x5t#S256")
_LISTS: Final = ("key_ops", "x5c")
_MOST_LISTED: Final = 20
_CURVES: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_RSA: Final = frozenset({"RS256", "PS256", "RS384", "PS384", "RS512", "PS512"})

_SMALLEST_EXPONENT: Final = 2**16 + 1
_LARGEST_EXPONENT: Final = 2**256
"""FIPS 186-5 appendix A.1.1; larger ones make each verification slow."""
_SMALL_PRIMES: Final = math.prod(
    n for n in range(2, 752) if all(n % d for d in range(2, math.isqrt(n) + 1))
)
"""What a modulus shares no factor with (SP 800-89 section 5.3.3)."""
_ED25519_FIELD: Final = 2**255 - 19
_ED25519_EIGHTH: Final = (
    2707385501144840649318225287225658788936804267575313519463743609750303402022,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
)
_ED25519_SMALL: Final = frozenset({0, 1, _ED25519_FIELD - 1, *_ED25519_EIGHTH})
"""``y`` of the points of order 1, 2, 4 and 8: under such a key everybody can sign."""

_AnyKey = ECKey | RSAKey | OKPKey | OctKey


class InvalidKey(InvalidInput):
    """A key, or a set of keys, that can't be used."""

    default_code = "invalid_key"


class PublicKey:
    """A verification key.

    Attributes:
        kid: Its id; empty if it came without one.
        algorithms: What it may verify, never empty.
        key: The imported key; ``protocol.jwt`` alone uses it.
        ec: The curve's key itself, for the direct path of ES256.
        rsa_bytes: How long a signature of an RSA key is; ``None`` of any other key.
    """

    __slots__ = ("algorithms", "ec", "key", "kid", "rsa_bytes")

    def __init__(self, key: _AnyKey, *, kid: str, algorithms: frozenset[str]) -> None:
        self.key = key
        self.kid = kid
        self.algorithms = algorithms
        ec = None if isinstance(key, OctKey) else key.public_key
        self.ec = ec if isinstance(ec, EllipticCurvePublicKey) else None
        self.rsa_bytes = (ec.key_size + 7) // 8 if isinstance(ec, RSAPublicKey) else None

    def jwk(self) -> dict[str, Any]:
        """Return the public JWK, as a JWK Set shows it.

        An Ed25519 key shows no ``alg``: readers that compare it with the header's name would
        refuse one of the two names.
        """
        if isinstance(self.key, OctKey):
            raise InvalidKey(public="A shared secret is not published.")
        shown: dict[str, Any] = dict(self.key.as_dict(private=False))
        shown |= {"kid": self.kid, "use": "sig"}
        if len(self.algorithms) == 1:
            shown["alg"] = next(iter(self.algorithms))
        return shown


class SigningKey:
    """A private key made for one algorithm.

    Attributes:
        kid: The RFC 7638 thumbprint of its public half.
        alg: ES256, RS256, PS256 or EdDSA.
        key: The imported key; ``protocol.jwt`` alone uses it.
        public: Its public half.
        prefixes: Encoded headers by ``typ``, filled by ``protocol.jwt.sign``.
        ec: The curve's key itself, for the direct path of ES256.
    """

    __slots__ = ("alg", "ec", "key", "kid", "prefixes", "public")

    def __init__(self, key: ECKey | RSAKey | OKPKey, alg: KeyAlgorithm) -> None:
        self.key = key
        self.alg: KeyAlgorithm = alg
        self.kid = key.thumbprint()
        allowed = EDDSA if alg in EDDSA else frozenset({alg})
        self.public = PublicKey(_public_half(key), kid=self.kid, algorithms=allowed)
        self.prefixes: dict[tuple[str, str], str] = {}
        ec = key.private_key
        self.ec = ec if isinstance(ec, EllipticCurvePrivateKey) else None

    def export(self) -> Secret[bytes]:
        """Return the private key as unencrypted PKCS #8 DER, to be sealed."""
        return Secret(self.key.as_bytes("DER", private=True))


class KeySet:
    """Verification keys, found by id and algorithm together."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys = tuple(keys)

    def __contains__(self, kid: object) -> bool:
        return any(key.kid == kid for key in self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, kid: str | None, alg: str) -> PublicKey:
        """Return the one key that fits; without a ``kid`` there must be no choice.

        Raises:
            JwtRefused: ``unknown_key`` when none fits or several would.
        """
        fits = [key for key in self._keys if kid in (None, key.kid) and alg in key.algorithms]
        if len(fits) != 1:
            raise JwtRefused("unknown_key")
        return fits[0]

    def jwks(self) -> dict[str, Any]:
        """Return the JWK Set to publish."""
        return {"keys": [key.jwk() for key in self._keys]}


def generate_key(alg: KeyAlgorithm) -> SigningKey:
    """Make a new signing key: P-256, RSA-2048 or Ed25519. RSA takes some 50 to 300 ms of a core."""
    if alg == "ES256":
        return SigningKey(ECKey.generate_key("P-256"), alg)
    if alg in {"RS256", "PS256"}:
        return SigningKey(RSAKey.generate_key(MIN_RSA_BITS), alg)
    return SigningKey(OKPKey.generate_key("Ed25519"), alg)


def import_private(der: Secret[bytes], alg: KeyAlgorithm) -> SigningKey:
    """Import what ``SigningKey.export`` gave, and nothing that anyone else may have made.

    An RSA key's arithmetic is not checked again: that takes 40 ms of the loop, and the seal it
    comes out of tells already that it is what we made.
    """
    native = load_der_private_key(der.reveal(), None, unsafe_skip_rsa_key_validation=True)
    kinds: dict[str, Any] = {
        "ES256": ECKey,
        "RS256": RSAKey,
        "PS256": RSAKey,
        "EdDSA": OKPKey,
    }
    return SigningKey(kinds[alg].import_key(native), alg)


def import_public(jwk: Mapping[str, Any]) -> PublicKey:
    """Import a public signature key, ours or another's.

    Refuses private and symmetric members (nobody should have sent them, and a symmetric one
    would be a shared secret everyone knows), keys for encryption, RSA under 2048 bits, curves
    we do not use, and numbers under which anybody could sign: a modulus with small factors, a
    point of small order.

    Spec: RFC 7517, RFC 8725 §3.5.

    Raises:
        InvalidKey: If it can't serve.
    """
    try:
        with warnings.catch_warnings():
            # A small RSA key is only warned of; _fitting refuses it with words of ours.
            warnings.simplefilter("ignore", SecurityWarning)
            return _read_public(jwk)
    except (
        JoseError,
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        UnsupportedAlgorithm,
        JwtRefused,
    ) as error:
        raise InvalidKey(public="The key can't be read.") from error


def _read_public(jwk: Mapping[str, Any]) -> PublicKey:
    kid = jwk.get("kid", "")
    if not isinstance(kid, str) or len(kid) > MAX_KID_CHARS:
        raise InvalidKey(public="The key's kid is not a short string.")
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        raise InvalidKey(public="The key is not for signatures.")
    if PRIVATE_MEMBERS & jwk.keys():
        raise InvalidKey(public="The key holds private members.")
    key = _import(dict(jwk))
    if isinstance(key, ECKey) and not _is_within_field(key, jwk):
        raise InvalidKey(public="The key's coordinates are not those of its point.")
    able = _fitting(key)
    named = jwk.get("alg")
    allowed = able if named is None else able & (EDDSA if named in EDDSA else {named})
    if not allowed:
        raise InvalidKey(public="The key does not fit its algorithm.")
    return PublicKey(key, kid=kid, algorithms=frozenset(allowed))


def import_key_set(jwks: Mapping[str, Any]) -> KeySet:
    """Import the usable keys of a JWK Set; RFC 7517 §5 has the others ignored.

    Raises:
        InvalidKey: If it is no JWK Set, or larger than anyone needs.
    """
    members = jwks.get("keys")
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise InvalidKey(public="This is not a JWK Set.")
    usable: list[PublicKey] = []
    for member in members:
        try:
            usable.append(import_public(member))
        except (InvalidKey, AttributeError):
            continue
    return KeySet(usable)


def bare_key(jwk: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what RFC 7517 and RFC 7518 say of a public key, and nothing else that lies in it.

    Whoever publishes a key may write whatever they like beside it: kept as it comes, a hundred
    kilobytes of that are megabytes of memory, for each of all clients.

    Returns:
        ``None`` if a member is of a type that it can't be.
    """
    texts = {name: jwk[name] for name in _TEXTS if name in jwk}
    lists = {name: jwk[name] for name in _LISTS if name in jwk}
    if not all(isinstance(each, str) for each in texts.values()):
        return None
    return texts | lists if all(map(_are_texts, lists.values())) else None


def bare_key_set(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JWK Set with the bare keys that it holds; of one that is none, an empty one."""
    members = jwks.get("keys")
    keys = members[:MAX_KEYS] if isinstance(members, list) else []
    bare = (bare_key(each) for each in keys if isinstance(each, dict))
    return {"keys": [each for each in bare if each is not None]}


def _are_texts(value: object) -> bool:
    if not isinstance(value, list) or len(value) > _MOST_LISTED:
        return False
    return all(isinstance(each, str) for each in value)


def secret_key_set(raw: Secret[str]) -> KeySet:
    """Make the set that verifies a client's HS256 assertions, and nothing else.

    Raises:
        InvalidKey: If the secret is shorter than the hash (RFC 7518 §3.2), or looks like a
            public key (N069: whoever knows it could sign).
    """
    secret = raw.reveal().encode("utf-8", "surrogatepass")
    if len(secret) < MIN_SECRET_BYTES:
        raise InvalidKey(public="The shared secret is too short.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SecurityWarning)
            key = OctKey.import_key(secret)
    except (JoseError, ValueError, SecurityWarning) as error:
        raise InvalidKey(public="The shared secret is a key's text.") from error
    return KeySet([PublicKey(key, kid="", algorithms=frozenset({"HS256"}))])


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint of a public JWK (RFC 7638)."""
    key = import_public(jwk).key
    return key.thumbprint()


def public_key_der(jwk: Mapping[str, Any]) -> bytes:
    """Return a public JWK as SubjectPublicKeyInfo, to compare it with a certificate's key.

    Raises:
        InvalidKey: If it can't serve.
    """
    key = import_public(jwk).key
    if isinstance(key, OctKey):
        raise InvalidKey(public="A shared secret is not in a certificate.")
    return key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _import(jwk: dict[str, Any]) -> ECKey | RSAKey | OKPKey:
    match jwk.get("kty"):
        case "EC":
            return ECKey.import_key(jwk)
        case "RSA":
            return RSAKey.import_key(jwk)
        case "OKP":
            return OKPKey.import_key(jwk)
        case _:
            raise InvalidKey(public="The key's type is not one we use.")


def _fitting(key: ECKey | RSAKey | OKPKey) -> frozenset[str]:
    if isinstance(key, RSAKey):
        return _RSA if is_sound_rsa(key) else frozenset()
    if isinstance(key, ECKey):
        return frozenset({_CURVES[key.curve_name]} if key.curve_name in _CURVES else ())
    return EDDSA if key.curve_name == "Ed25519" and _is_sound_ed25519(key) else frozenset()


def is_sound_rsa(key: RSAKey) -> bool:
    """Say whether an RSA key has the size and the numbers that an honest one has."""
    numbers = key.public_key.public_numbers()
    return (
        MIN_RSA_BITS <= key.public_key.key_size <= MAX_RSA_BITS
        and _SMALLEST_EXPONENT <= numbers.e < _LARGEST_EXPONENT
        and math.gcd(numbers.n, _SMALL_PRIMES) == 1
    )


def _is_within_field(key: ECKey, jwk: Mapping[str, Any]) -> bool:
    """Refuse a coordinate with the field's prime added: the same point with another thumbprint."""
    point = key.public_key.public_numbers()
    size = (key.public_key.curve.key_size + 7) // 8
    told = [decode_part(jwk[name]) for name in ("x", "y")]
    return all(len(each) <= size for each in told) and (point.x, point.y) == tuple(
        int.from_bytes(each, "big") for each in told
    )


def _is_sound_ed25519(key: OKPKey) -> bool:
    """Refuse points of small order, and a point's second spelling (RFC 8032 section 5.1.3)."""
    raw = key.public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    y = int.from_bytes(raw, "little") % 2**255
    return y < _ED25519_FIELD and y not in _ED25519_SMALL


def _public_half(key: ECKey | RSAKey | OKPKey) -> _AnyKey:
    return _import(dict(key.as_dict(private=False)))
