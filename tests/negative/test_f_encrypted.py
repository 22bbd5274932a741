"""Section F on encrypted tokens: what is encrypted to us is opened one way, or not at all."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from limen.kernel.secret import Secret
from limen.protocol.jose import JwtRefused, decode_part, parse_compact, parse_object
from limen.protocol.jwe import (
    CONTENT_ENCRYPTION,
    KEY_MANAGEMENT,
    ContentEncryption,
    KeyManagement,
    decrypt,
    encrypt,
)
from limen.protocol.jwt import verify
from limen.protocol.request_encryption import REQUEST_KEY_MANAGEMENT, request_key
from tests.negative.jose_abuses import ALPHABET
from tests.unit.protocol.jose_kit import KEYS, NOW, claims, encode, expected, forge, header

OURS = request_key(Secret(b"k" * 32))
RSA = RSAKey.generate_key(2048)
P256 = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
INNER = forge(header(), claims())


def opened(raw: str, alg: str | None = None, enc: str | None = None) -> str:
    return OURS.open(raw, alg=alg, enc=enc)


def made(alg: KeyManagement = "ECDH-ES+A128KW", enc: ContentEncryption = "A128GCM") -> list[str]:
    key = RSA.as_dict(private=False) if alg == "RSA-OAEP-256" else OURS.jwk
    return encrypt(INNER.encode(), key, alg=alg, enc=enc).split(".")


def with_header(parts: list[str], /, **changes: Any) -> str:
    head = {**parse_object(decode_part(parts[0])), **changes}
    shown = {name: value for name, value in head.items() if value is not ...}
    return ".".join([encode(json.dumps(shown).encode()), *parts[1:]])


def ephemeral(**changes: Any) -> dict[str, Any]:
    key = {**ECKey.generate_key("P-256").as_dict(private=False), **changes}
    return {name: value for name, value in key.items() if value is not None and name != "kid"}


def coordinate(value: int, size: int = 32) -> str:
    return encode(value.to_bytes(size, "big"))


def headers() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name what a header may not be or say."""
    for alg in (
        "none", "None", "", None, 7, ["ECDH-ES"], "dir", "RSA1_5", "RSA-OAEP", "RSA-OAEP-384", "A128KW",
        "A256KW", "A128GCMKW", "PBES2-HS256+A128KW", "PBES2-HS512+A256KW", "ECDH-1PU", "ecdh-es",
        "ECDH-ES+A192KW", "ECDH-ES+C20PKW", "HS256", "ES256", ...,
    ):  # fmt: skip
        yield f"alg {alg!r}", {"alg": alg}
    for enc in (
        "none",
        "",
        None,
        7,
        ["A128GCM"],
        "A128CBC",
        "A128CTR",
        "C20P",
        "A192GCM",
        "a128gcm",
        ...,
    ):
        yield f"enc {enc!r}", {"enc": enc}
    for number, p2c in enumerate((1, 2**31, 2**63, 10**30, -1, "many", 1e9)):
        yield f"p2c {number}", {"alg": "PBES2-HS256+A128KW", "p2c": p2c, "p2s": "AAAA"}
        yield f"p2c {number} unasked", {"p2c": p2c}
    members: dict[str, dict[str, Any]] = {
        "zip": {"zip": "DEF"}, "zip none": {"zip": None}, "zip unknown": {"zip": "GZ"},
        "crit empty": {"crit": []}, "crit": {"crit": ["exp"], "exp": 1}, "crit null": {"crit": None},
        "jwk": {"jwk": OURS.jwk}, "jku": {"jku": "https://mallory.example"}, "x5c": {"x5c": ["MIIB"]},
        "x5u": {"x5u": "https://mallory.example"}, "tag": {"tag": "AAAA"}, "iv": {"iv": "AAAA"},
        "b64": {"b64": False}, "unknown": {"unknown": 1},
    }  # fmt: skip
    for name, more in members.items():
        yield f"header with {name}", more
    x, y = (int.from_bytes(decode_part(OURS.jwk[name]), "big") for name in ("x", "y"))
    epks: dict[str, Any] = {
        "absent": ..., "null": None, "a text": "epk", "a list": [], "nothing": {}, "a number": 7,
        "off the curve": ephemeral(y=coordinate(y ^ 1)), "at infinity": ephemeral(x="AA", y="AA"),
        "of order two": ephemeral(x=coordinate(x), y=coordinate(0)),
        "with the negated point": ephemeral(x=coordinate(x), y=coordinate(P256 - y)),
        "beyond the field": ephemeral(x=coordinate(P256 + 5, 33)),
        "of no bytes": ephemeral(x="", y=""), "without y": ephemeral(y=None),
        "on another curve": ECKey.generate_key("P-384").as_dict(private=False),
        "on bitcoin's curve": ECKey.generate_key("secp256k1").as_dict(private=False),
        "of another kind": OKPKey.generate_key("X25519").as_dict(private=False),
        "to sign": OKPKey.generate_key("Ed25519").as_dict(private=False), "an RSA key": RSA.as_dict(private=False),
        "a secret": OctKey.generate_key(256).as_dict(), "another's": ephemeral(), "ours": dict(OURS.jwk),
        "with a number": ephemeral(x=7), "with a list": ephemeral(x=["AA"]), "with a curve of lists": ephemeral(crv=[]),
        "with small order of X25519": {"kty": "OKP", "crv": "X25519", "x": encode(bytes(32))},
    }  # fmt: skip
    for name, epk in epks.items():
        yield f"epk {name}", {"epk": epk}
    for name in ("apu", "apv"):
        odds: list[Any] = [7, None, [], {}, "é", "A", "=", "x" * 40_000]
        for odd in odds:
            yield f"{name} {odd!r:.20}", {name: odd}


HEADERS = dict(headers())


@pytest.mark.parametrize("alg", REQUEST_KEY_MANAGEMENT)
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTION)
def test_the_honest_one_opens(alg: KeyManagement, enc: ContentEncryption) -> None:
    assert opened(".".join(made(alg, enc))) == INNER
    assert opened(".".join(made(alg, enc)), alg, enc) == INNER
    with pytest.raises(JwtRefused):
        opened(".".join(made(alg, enc)), "ECDH-ES+A256KW" if alg == "ECDH-ES" else "ECDH-ES", enc)
    with pytest.raises(JwtRefused):
        opened(".".join(made(alg, enc)), alg, "A192GCM")


@pytest.mark.parametrize("name", HEADERS)
def test_n073_to_n076_no_such_header_is_opened(name: str) -> None:
    for alg in REQUEST_KEY_MANAGEMENT:
        for wanted in (None, HEADERS[name].get("alg", alg)):
            with pytest.raises(JwtRefused):
                opened(
                    with_header(made(alg), **HEADERS[name]),
                    wanted,
                    None if wanted is None else "A128GCM",
                )


@pytest.mark.parametrize("alg", KEY_MANAGEMENT)
@pytest.mark.parametrize("enc", CONTENT_ENCRYPTION)
def test_n074_n080_nothing_in_it_can_be_changed(alg: KeyManagement, enc: ContentEncryption) -> None:
    parts = made(alg, enc)
    key = RSA if alg == "RSA-OAEP-256" else OURS._private
    assert decrypt(".".join(parts), key) == INNER.encode()
    for number, raw in enumerate(_changed(parts)):
        with pytest.raises(JwtRefused):
            assert not decrypt(raw, key), number


def _changed(parts: list[str]) -> Iterator[str]:
    for place in range(5):

        def but(part: str, place: int = place) -> str:
            return ".".join([*parts[:place], part, *parts[place + 1 :]])

        own = parts[place]
        raw = decode_part(own) if own else b""
        yield from (but(own + mark) for mark in ("=", "==", " ", "\n", "+", "/", "\0", "é"))
        yield but("AAAA" if not own else "")
        for odd in (
            raw[:-1],
            raw[1:],
            raw[:4],
            raw + b"\0",
            b"\0" + raw,
            bytes(len(raw) or 8),
            raw * 2 or b"x",
        ):
            if odd != raw:
                yield but(encode(odd))
        if raw:
            yield but(encode(bytes([raw[0] ^ 1]) + raw[1:]))
            yield but(encode(raw[:-1] + bytes([raw[-1] ^ 1])))
        if len(own) % 4 in {2, 3}:
            yield but(own[:-1] + ALPHABET[ALPHABET.index(own[-1]) ^ 1])
    yield ".".join(parts[:4])
    yield ".".join([*parts, "AAAA"])
    yield " " + ".".join(parts)
    yield ".".join(parts) + "\n"
    yield ".".join([parts[0], parts[1], parts[2], parts[3] + "A" * 40_000, parts[4]])
    protected, key, iv, text, tag = parts
    yield json.dumps(
        {"protected": protected, "encrypted_key": key, "iv": iv, "ciphertext": text, "tag": tag}
    )
    other = made("ECDH-ES")
    yield ".".join([*parts[:2], *other[2:]])
    yield ".".join([other[0], *parts[1:]])


@pytest.mark.parametrize("bits", [32, 64, 96, 104, 112, 120])
def test_a_short_tag_is_none(bits: int) -> None:
    for enc in CONTENT_ENCRYPTION:
        parts = made("ECDH-ES", enc)
        parts[4] = encode(decode_part(parts[4])[: bits // 8])
        with pytest.raises(JwtRefused):
            opened(".".join(parts))


def test_n074_a_bomb_is_not_unpacked() -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packed.compress(b"0" * 50_000_000) + packed.flush()
    assert len(bomb) > 40_000, "longer than what is read at all"
    small = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = small.compress(b"0" * 5_000_000) + small.flush()
    for plain in (bomb, text):
        raw = jwe.encrypt_compact(
            {"alg": "ECDH-ES", "enc": "A128GCM", "zip": "DEF"},
            plain,
            ECKey.import_key(OURS.jwk),
            algorithms=["ECDH-ES", "A128GCM", "DEF"],
        )
        with pytest.raises(JwtRefused) as refused:
            opened(raw)
        assert refused.value.reason in {"header", "shape"}


def test_n076_padding_is_no_oracle() -> None:
    reasons = set()
    parts = made("RSA-OAEP-256", "A128CBC-HS256")
    for key in (bytes(256), b"\0\2" + b"\1" * 254, b"\xff" * 256, b"", bytes(255), bytes(257)):
        for text in (parts[3], encode(bytes(16)), encode(bytes(64))):
            with pytest.raises(JwtRefused) as refused:
                decrypt(".".join([parts[0], encode(key), parts[2], text, parts[4]]), RSA)
            reasons.add(refused.value.reason if key else "decryption")
    assert reasons == {"decryption"}


def test_encryption_says_nothing_of_who_wrote_it() -> None:
    for inner in (
        INNER.rsplit(".", 1)[0] + ".",
        f"{encode({'alg': 'none'})}.{encode(claims())}.",
        ".".join(made()),
        json.dumps(claims()),
        "",
        "..",
    ):
        raw = encrypt(inner.encode(), OURS.jwk, alg="ECDH-ES")
        with pytest.raises(JwtRefused):
            verify(opened(raw), KEYS, expected=expected(), now=NOW)
    with pytest.raises(JwtRefused):
        opened(encrypt("é".encode(), OURS.jwk, alg="ECDH-ES"))
    with pytest.raises(JwtRefused):
        parse_compact(".".join(made()))
    assert verify(opened(".".join(made())), KEYS, expected=expected(), now=NOW)["sub"] == "ada"


def test_what_is_encrypted_to_somebody_else_is_not_ours() -> None:
    theirs = request_key(Secret(b"o" * 32))
    with pytest.raises(JwtRefused):
        opened(encrypt(INNER.encode(), theirs.jwk, alg="ECDH-ES"))
    swapped = {**OURS.jwk, "kid": theirs.jwk["kid"]}
    assert opened(encrypt(INNER.encode(), swapped, alg="ECDH-ES")) == INNER, "a kid is but a hint"
