"""What an attacker makes of an honest token: each way it could be believed and must not be."""

from __future__ import annotations

import hashlib
import hmac
import json
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from limen.protocol.jwk import SigningKey, generate_key
from tests.unit.protocol.jose_kit import encode

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
DAY = 86_400


@dataclass(frozen=True)
class Honest:
    """An honest token of one kind, and what its kind demands.

    Args:
        key: Signs it; of a shared secret the text is in ``secret``.
        alg: As its header says.
        head: Its header but for ``alg`` and ``kid``.
        claims: What it says.
        required: Claims that may not be absent.
        untyped: Whether this kind may come without ``typ``.
        own_key: Whether the header carries the key (DPoP), so that another key is no abuse.
        expires: Whether ``exp`` counts.
        lists: Claims that may be arrays too.
        free: Claims that may be any text: whoever asked compares them.
        extra: ``now``, in seconds.
    """

    key: SigningKey | None
    alg: str
    head: Mapping[str, Any]
    claims: Mapping[str, Any]
    required: tuple[str, ...]
    secret: bytes = b""
    untyped: bool = False
    own_key: bool = False
    expires: bool = True
    lists: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def header(self, **changes: Any) -> dict[str, Any]:
        kid = {} if self.key is None or self.own_key else {"kid": self.key.kid}
        return {"alg": self.alg, **kid, **self.head, **changes}

    def sign(self, text: bytes, alg: str = "") -> bytes:
        if self.key is None:
            return hmac.digest(self.secret, text, "sha256")
        return JWSRegistry.algorithms[alg or self.alg].sign(text, self.key.key)

    def token(
        self,
        head: Mapping[str, Any] | bytes | None = None,
        payload: Mapping[str, Any] | bytes | None = None,
    ) -> str:
        """Sign whatever is given, correctly; without anything, the honest token."""
        shown = self.header() if head is None else head
        text = f"{encode(shown)}.{encode(dict(self.claims) if payload is None else payload)}"
        return f"{text}.{encode(self.sign(text.encode()))}"

    def with_signature(self, make: Callable[..., bytes], *given: Any) -> str:
        """The honest token with another signature, made of its signing input and what is given."""
        text = f"{encode(self.header())}.{encode(dict(self.claims))}"
        return f"{text}.{encode(make(text.encode(), *given))}"

    def said(self, **changes: str) -> bytes:
        """The claims as text, some of them written as given."""
        members = {name: json.dumps(value) for name, value in self.claims.items()} | changes
        return ("{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}").encode()

    def without(self, name: str) -> dict[str, Any]:
        return {each: value for each, value in self.claims.items() if each != name}


def abuses(honest: Honest) -> Iterator[tuple[str, str]]:
    """Name each abuse and make it."""
    yield from _signatures(honest)
    yield from _spellings(honest)
    yield from _headers(honest)
    yield from _algorithms(honest)
    yield from _keys(honest)
    yield from _payloads(honest)
    yield from _times(honest)
    yield from _claims(honest)


def _signatures(honest: Honest) -> Iterator[tuple[str, str]]:
    made = honest.with_signature
    for name, change in {
        "cut by one": lambda s: s[:-1],
        "cut in half": lambda s: s[: len(s) // 2],
        "first byte gone": lambda s: s[1:],
        "one byte more": lambda s: s + b"\0",
        "one byte before": lambda s: b"\0" + s,
        "twice": lambda s: s + s,
        "bit flipped": lambda s: bytes([s[0] ^ 1]) + s[1:],
        "last bit flipped": lambda s: s[:-1] + bytes([s[-1] ^ 1]),
        "zeros": lambda s: bytes(len(s)),
        "ones": lambda s: b"\xff" * len(s),
        "one byte": lambda _: b"\0",
        "reversed": lambda s: s[::-1],
    }.items():
        yield f"signature {name}", made(_changed, honest, change)
    other = encode({**honest.claims, "jti": "another"})
    head, _, signature = honest.token().split(".")
    yield "signature of other claims", f"{head}.{other}.{signature}"
    yield "signature of another header", f"{encode(honest.header(x=1))}.{_}.{signature}"
    if honest.alg == "ES256":
        yield from _ecdsa(honest)
    elif honest.alg in {"RS256", "PS256"}:
        yield from _rsa(honest)
    elif honest.alg in {"EdDSA", "Ed25519"}:
        yield from _eddsa(honest)
    else:
        yield from _hmac(honest)


def _changed(text: bytes, honest: Honest, how: Callable[[bytes], bytes]) -> bytes:
    return how(honest.sign(text))


def _ecdsa(honest: Honest) -> Iterator[tuple[str, str]]:
    n = P256_ORDER

    def pair(make: Callable[[int, int], tuple[int, int]], size: int = 32) -> str:
        def signature(text: bytes) -> bytes:
            raw = honest.sign(text)
            r, s = make(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")

        return honest.with_signature(signature)

    yield "r is 0", pair(lambda _, s: (0, s))
    yield "s is 0", pair(lambda r, _: (r, 0))
    yield "r and s are 0", pair(lambda _, __: (0, 0))
    yield "r and s are 1", pair(lambda _, __: (1, 1))
    yield "r is n", pair(lambda _, s: (n, s))
    yield "s is n", pair(lambda r, _: (r, n))
    yield "r and s are n", pair(lambda _, __: (n, n))
    yield "r is n, s is 0", pair(lambda _, __: (n, 0))
    yield "r and s are n-1", pair(lambda _, __: (n - 1, n - 1))
    yield "r beyond n", pair(lambda _, s: (2**256 - 1, s))
    yield "s beyond n", pair(lambda r, _: (r, 2**256 - 1))
    yield "r and s swapped", pair(lambda r, s: (s, r))
    yield "r negated", pair(lambda r, s: (n - r, s))
    yield "r plus n", pair(lambda r, s: (r + n, s), 33)
    yield "s plus n", pair(lambda r, s: (r, s + n), 33)
    yield "r and s padded", pair(lambda r, s: (r, s), 33)
    yield "r and s of 66 bytes", pair(lambda r, s: (r, s), 66)
    yield from _ecdsa_otherwise(honest)


def _ecdsa_otherwise(honest: Honest) -> Iterator[tuple[str, str]]:
    def der(text: bytes) -> bytes:
        raw = honest.sign(text)
        halves = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
        return encode_dss_signature(*halves)

    yield "DER instead of raw", honest.with_signature(der)
    assert honest.key is not None
    ec = honest.key.ec
    assert ec is not None

    def other_hash(text: bytes) -> bytes:
        r, s = decode_dss_signature(ec.sign(text, ECDSA(SHA512())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    yield "SHA-512 for SHA-256", honest.with_signature(other_hash)
    for curve, alg in (("P-384", "ES384"), ("P-521", "ES512"), ("secp256k1", "ES256K")):
        key = _ec(curve)
        yield f"key on {curve}", honest.with_signature(JWSRegistry.algorithms[alg].sign, key)


def _rsa(honest: Honest) -> Iterator[tuple[str, str]]:
    assert honest.key is not None
    private = honest.key.key.private_key
    assert isinstance(private, RSAPrivateKey)
    n = private.private_numbers().public_numbers.n
    size = 256

    def pss(salt: Any, digest: Any = None) -> padding.PSS:
        return padding.PSS(padding.MGF1(digest or SHA256()), salt)

    schemes: dict[str, tuple[Any, Any]] = {
        "SHA-1": (padding.PKCS1v15(), SHA1()),
        "SHA-512": (padding.PKCS1v15(), SHA512()),
        "PSS without salt": (pss(0), SHA256()),
        "PSS with the longest salt": (pss(padding.PSS.MAX_LENGTH), SHA256()),
        "PSS with SHA-512": (pss(64, SHA512()), SHA512()),
        "PSS with MGF1 of SHA-1": (pss(32, SHA1()), SHA256()),
        "the other padding": (padding.PKCS1v15(), SHA256())
        if honest.alg == "PS256"
        else (pss(32), SHA256()),
    }
    for name, (scheme, digest) in schemes.items():
        yield f"RSA {name}", honest.with_signature(private.sign, scheme, digest)
    numbers = {"0": 0, "1": 1, "n": n, "n-1": n - 1}
    for name, value in numbers.items():
        raw = value.to_bytes(size, "big")
        yield f"RSA signature {name}", honest.with_signature(_always, raw)
    yield (
        "RSA signature plus n",
        honest.with_signature(
            lambda text: (int.from_bytes(honest.sign(text), "big") + n).to_bytes(size + 1, "big")
        ),
    )
    yield (
        "RSA negated",
        honest.with_signature(
            lambda text: (n - int.from_bytes(honest.sign(text), "big")).to_bytes(size, "big")
        ),
    )
    yield (
        "RSA bare hash",
        honest.with_signature(lambda text: hashlib.sha256(text).digest().rjust(size, b"\0")),
    )


def _always(_: bytes, signature: bytes) -> bytes:
    return signature


def _eddsa(honest: Honest) -> Iterator[tuple[str, str]]:
    def plus_order(text: bytes) -> bytes:
        raw = honest.sign(text)
        s = int.from_bytes(raw[32:], "little") + ED25519_ORDER
        return raw[:32] + s.to_bytes(32, "little")

    identity = (1).to_bytes(32, "little")
    yield "S plus the order", honest.with_signature(plus_order)
    yield "R of small order, S is 0", honest.with_signature(lambda _: identity + bytes(32))
    yield "S is 0", honest.with_signature(lambda text: honest.sign(text)[:32] + bytes(32))
    yield (
        "S is the order",
        honest.with_signature(
            lambda text: honest.sign(text)[:32] + ED25519_ORDER.to_bytes(32, "little")
        ),
    )
    yield (
        "R and S swapped",
        honest.with_signature(lambda t: honest.sign(t)[32:] + honest.sign(t)[:32]),
    )
    yield (
        "signature of the hash",
        honest.with_signature(lambda text: honest.sign(hashlib.sha512(text).digest())),
    )


def _hmac(honest: Honest) -> Iterator[tuple[str, str]]:
    made = honest.with_signature
    for size in (4, 10, 16, 31):
        yield f"MAC of {size} bytes", made(_changed, honest, operator.itemgetter(slice(size)))
    for name, secret in {"empty": b"", "other": b"t" * 43, "cut": honest.secret[:-1]}.items():
        yield f"MAC with {name} secret", made(_mac, secret, "sha256")
    for kind in ("sha1", "sha384", "sha512"):
        yield f"MAC of {kind}", made(_mac, honest.secret, kind)


def _mac(text: bytes, secret: bytes, kind: str) -> bytes:
    return hmac.digest(secret, text, kind)


def _spellings(honest: Honest) -> Iterator[tuple[str, str]]:
    raw = honest.token()
    parts = raw.split(".")
    for part, name in enumerate(("header", "payload", "signature")):
        for mark in ("=", "==", " ", "\n", "\t", "+", "/", "%3D", "\0", "é", "\uff21"):
            spelt = list(parts)
            spelt[part] += mark
            yield f"{name} ends in {mark!r}", ".".join(spelt)
        loose = list(parts)
        if len(loose[part]) % 4 in {2, 3}:
            last = ALPHABET.index(loose[part][-1])
            loose[part] = loose[part][:-1] + ALPHABET[last | 1 if last % 2 == 0 else last ^ 1]
            if part == 2:  # of the others the signing input changes too
                yield f"{name} has loose bits", ".".join(loose)
        empty = [*parts[:part], "", *parts[part + 1 :]]
        yield f"{name} is empty", ".".join(empty)
    plus = parts[2].replace("-", "+").replace("_", "/")
    if plus != parts[2]:
        yield "base64 instead of base64url", f"{parts[0]}.{parts[1]}.{plus}"
    yield "a part too few", f"{parts[0]}.{parts[1]}"
    yield "a part too many", f"{raw}.{parts[2]}"
    yield "five parts", f"{parts[0]}.AAAA.{parts[1]}.AAAA.{parts[2]}"
    yield "a dot at the end", f"{raw}."
    yield "a dot before", f".{raw}"
    yield "a blank before", f" {raw}"
    yield "with its scheme", f"Bearer {raw}"
    yield "two of them", f"{raw},{raw}"
    yield "nothing", "."
    yield "dots", ".."
    flattened = {"protected": parts[0], "payload": parts[1], "signature": parts[2]}
    yield "JSON serialisation", json.dumps(flattened)
    yield "signed twice", json.dumps({"payload": parts[1], "signatures": [flattened]})


def _headers(honest: Honest) -> Iterator[tuple[str, str]]:
    head = honest.header()
    text = json.dumps(head)
    odd: dict[str, Any] = {
        "crit empty": {"crit": []},
        "crit unknown": {"crit": ["unknown"], "unknown": 1},
        "crit without its member": {"crit": ["unknown"]},
        "crit b64": {"crit": ["b64"], "b64": False},
        "crit b64 true": {"crit": ["b64"], "b64": True},
        "crit exp": {"crit": ["exp"], "exp": 1},
        "crit alg": {"crit": ["alg"]},
        "crit twice": {"crit": ["x", "x"], "x": 1},
        "crit text": {"crit": "exp"},
        "crit null": {"crit": None},
        "typ of another kind": {"typ": "secevent+jwt"},
        "typ number": {"typ": 7},
        "typ empty": {"typ": ""},
        "typ null": {"typ": None},
        "typ list": {"typ": [head.get("typ", "JWT")]},
        "typ blank": {"typ": f"{head.get('typ', 'JWT')} "},
        "a filler": {"filler": "x" * 40_000},
    }
    for name, change in odd.items():
        yield f"header with {name}", honest.token({**head, **change})
    if "typ" in head and not honest.untyped:
        yield "header without typ", honest.token({n: v for n, v in head.items() if n != "typ"})
    raw: dict[str, bytes] = {
        "alg twice": (text[:-1] + f', "alg": "{honest.alg}"}}').encode(),
        "alg none first": ('{"alg": "none", ' + text[1:]).encode(),
        "alg written in escapes": ('{"\\u0061lg": "none", ' + text[1:]).encode(),
        "typ twice": (text[:-1] + ', "typ": "JWT", "typ": "JWT"}').encode(),
        "a list": f"[{text}]".encode(),
        "a text": json.dumps(text).encode(),
        "a number": b"7",
        "null": b"null",
        "nothing": b"{}",
        "two of them": f"{text}{text}".encode(),
        "a comma more": (text[:-1] + ",}").encode(),
        "a comment": (text + "/* */").encode(),
        "a byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "no UTF-8": b'{"x": "\xff", ' + text[1:].encode(),
        "NaN": (text[:-1] + ', "x": NaN}').encode(),
        "infinity as a number": (text[:-1] + ', "x": 1e400}').encode(),
        "a lone surrogate": (text[:-1] + ', "x": "\\ud800"}').encode(),
        "NUL": (text[:-1] + ', "x": "\\u0000"}').encode(),
        "5000 digits": (text[:-1] + f', "x": {"9" * 5000}}}').encode(),
        "nesting without end": (text[:-1] + ', "x": ' + "[" * 90 + "]" * 90 + "}").encode(),
        "brackets that never close": (text[:-1] + ', "x": ' + "[" * 9000).encode(),
    }
    for name, made in raw.items():
        yield f"header is or has {name}", honest.token(made)


def _algorithms(honest: Honest) -> Iterator[tuple[str, str]]:
    """Name another algorithm: with the honest signature, and with one made by its rules."""
    head = honest.header()
    named: list[Any] = ["none", "None", "NONE", "nOnE", "", " ", None, 0, True, [honest.alg], {}]
    named += [
        honest.alg.lower() + " ",
        f" {honest.alg}",
        "HS256",
        "HS384",
        "HS512",
        "RS1",
        "RSA1_5",
    ]
    named += [
        "ES384",
        "ES512",
        "ES256K",
        "RS384",
        "RS512",
        "PS384",
        "PS512",
        "Ed448",
        "dir",
        "A128KW",
    ]
    families = [{"ES256"}, {"RS256", "PS256"}, {"EdDSA", "Ed25519"}, {"HS256"}]
    own = next(family for family in families if honest.alg in family)
    named += sorted({"ES256", "RS256", "PS256", "EdDSA", "Ed25519"} - own)
    for alg in named:
        if alg != honest.alg:
            yield f"alg {alg!r}", honest.token({**head, "alg": alg})
    yield "alg absent", honest.token({name: value for name, value in head.items() if name != "alg"})
    unsigned = encode({**head, "alg": "none"}), encode(dict(honest.claims))
    yield "unsigned", ".".join(unsigned) + "."
    yield "unsigned, two parts", ".".join(unsigned)
    if honest.key is None:
        return
    public = honest.key.key.public_key
    secrets = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "PEM without its newline": public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).strip(),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": json.dumps(honest.key.public.jwk()).encode(),
        "kid": honest.key.kid.encode(),
        "nothing": b"",
    }
    text = f"{encode({**head, 'alg': 'HS256'})}.{encode(dict(honest.claims))}"
    for name, secret in secrets.items():
        mac = hmac.digest(secret, text.encode(), "sha256")
        yield f"HS256 with the {name}", f"{text}.{encode(mac)}"


def _keys(honest: Honest) -> Iterator[tuple[str, str]]:
    """Name or bring a key of the attacker's own."""
    mallory = generate_mallory()
    jwk = {name: v for name, v in mallory.public.jwk().items() if name not in {"use", "alg"}}
    kids: list[Any] = [
        "../../etc/passwd", "/dev/null", "' OR 1=1 --", "a\0b", "k" * 10_240, "", " ", 7, None, True,
        ["a"], {}, "http://mallory.example/k", "| id", mallory.kid, honest.header().get("kid"),
    ]  # fmt: skip
    if honest.own_key:
        yield from _carried(honest, jwk)
        return
    ways: list[dict[str, Any]] = [
        {}, {"jwk": jwk}, {"jku": "https://mallory.example/jwks"}, {"x5u": "https://mallory.example"},
        {"x5c": ["MIIB"]}, {"x5t": "AAAA", "x5t#S256": "AAAA"},
    ]  # fmt: skip
    for number, kid in enumerate(kids):
        for way in ways if kid in (mallory.kid, honest.header().get("kid")) else ways[:2]:
            head = {**honest.header(), "alg": "ES256", "kid": kid, **way}
            text = f"{encode(head)}.{encode(dict(honest.claims))}"
            forged = JWSRegistry.algorithms["ES256"].sign(text.encode(), mallory.key)
            named = f"{number} with {'+'.join(way) or 'nothing'}"
            yield f"mallory's signature, kid {named}", f"{text}.{encode(forged)}"
    if honest.key is not None:
        for kid in ("another", "", honest.key.kid.lower() + "x", [honest.key.kid], 7, None):
            yield f"the honest key as {kid!r}", honest.token(honest.header(kid=kid))


def _carried(honest: Honest, mallory: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The key stands in the header: only the one that signed, whole, public and fit."""
    head, own = honest.header(), honest.head["jwk"]
    for name, jwk in {
        "another's": mallory, "absent": None, "a text": "key", "a list": [own], "nothing": {},
        "with d": {**own, "d": "AAAA"}, "with k": {**own, "k": "AAAA"}, "for HMAC": {"kty": "oct", "k": "AAAA"},
        "for encryption": {**own, "use": "enc"}, "with other key_ops": {**own, "key_ops": ["encrypt"]},
        "for another alg": {**own, "alg": "ES384"}, "with kty twice": {**own, "kty": ["EC"]},
    }.items():  # fmt: skip
        yield f"jwk {name}", honest.token({**head, "jwk": jwk})


def _payloads(honest: Honest) -> Iterator[tuple[str, str]]:
    said = honest.said()
    first = next(iter(honest.claims))
    twice = said[:-1] + b"," + json.dumps(first).encode() + b":" + b'"x"}'
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in first).encode()
    for name, payload in {
        "a list": b"[" + said + b"]",
        "a text": json.dumps(said.decode()).encode(),
        "a number": b"7",
        "null": b"null",
        "nothing": b"{}",
        "no JSON": b"{",
        "two of them": said + said,
        "a member twice": twice,
        "a member twice, in escapes": said[:-1] + b',"' + escaped + b'":"x"}',
        "members twice inside": said[:-1] + b',"x":{"a":1,"a":2}}',
        "no UTF-8": said[:-1] + b',"x":"\xff"}',
        "UTF-16": said.decode().encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + said,
        "NaN": said[:-1] + b',"x":NaN}',
        "infinity": said[:-1] + b',"x":-Infinity}',
        "infinity as a number": said[:-1] + b',"x":[1e400]}',
        "a lone surrogate": said[:-1] + b',"x":"\\udfff"}',
        "NUL": said[:-1] + b',"x":"\\u0000"}',
        "5000 digits": said[:-1] + b',"x":' + b"9" * 5000 + b"}",
        "nesting without end": said[:-1] + b',"x":' + b'{"a":' * 90 + b"1" + b"}" * 91,
        "brackets that never close": said[:-1] + b',"x":' + b"[" * 9000,
        "40 KB": said[:-1] + b',"x":"' + b"x" * 40_000 + b'"}',
    }.items():
        yield f"payload is or has {name}", honest.token(payload=payload)
    unencoded = f"{encode(honest.header(crit=['b64'], b64=False))}.".encode() + said
    yield "payload not encoded", f"{unencoded.decode()}.{encode(honest.sign(unencoded))}"


ODD_DATES = [
    '"1900000000"', '""', "true", "false", "null", "[]", "[1900000000]", "{}", "-1", "0", "-0.0", "-1e9",
    "1e300", "1e400", "-1e400", "NaN", "Infinity", "4294967296", "9223372036854775807", "9" * 5000, '"soon"',
]  # fmt: skip


def _times(honest: Honest) -> Iterator[tuple[str, str]]:
    now = int(honest.extra["now"])
    for name in ("exp", "nbf", "iat"):
        for odd in ODD_DATES:
            # A date that is null counts as absent where it may be.
            if odd != "null" or name in honest.required:
                yield f"{name} is {odd[:20]}", honest.token(payload=honest.said(**{name: odd}))
    if honest.expires:
        for ago in (3600, DAY, 40 * 365 * DAY):
            yield f"expired {ago} s ago", honest.token(payload={**honest.claims, "exp": now - ago})
    for ahead in (120, 3600, 365 * DAY):
        yield f"nbf {ahead} s ahead", honest.token(payload={**honest.claims, "nbf": now + ahead})
        later = {"exp": now + ahead + 60} if "exp" in honest.claims and ahead < 300 else {}
        made = {**honest.claims, "iat": now + ahead, **later}
        yield f"made {ahead} s ahead", honest.token(payload=made)


def _claims(honest: Honest) -> Iterator[tuple[str, str]]:
    for name in honest.required:
        yield f"{name} absent", honest.token(payload=honest.without(name))
        for odd in (None, ""):
            yield f"{name} is {odd!r}", honest.token(payload={**honest.claims, name: odd})
    for name in ("iss", "sub", "aud", "jti", "htm", "htu", "ath", "client_id"):
        for odd in _odd_names(honest, name) if name in honest.claims else ():
            yield f"{name} is {odd!r:.60}", honest.token(payload={**honest.claims, name: odd})


def _odd_names(honest: Honest, name: str) -> list[Any]:
    value = honest.claims[name]
    odd: list[Any] = [7, True, {}, {"a": value}, [[value]], [value, 7], [], ["x"]]
    if name not in honest.lists:
        odd += [[value], [value, "x"]]
    if name in {"iss", "aud", "htm", "htu", "ath"} - set(honest.free):
        odd += ["https://mallory.example", f"{value}.mallory.example", f"{value} ", f" {value}"]
        odd += [f"{value}\u200b", str(value).swapcase()]
    return odd


@cache
def generate_mallory() -> SigningKey:
    """A key that nobody registered."""
    return generate_key("ES256")


@cache
def _ec(curve: str) -> ECKey:
    return ECKey.generate_key(curve)
