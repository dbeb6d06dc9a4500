"""SM2, SM3 and SM4 against the published examples, and against what an attacker would send."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._kit import sm

# GB/T 32918.5, annexes A and C: keys, k and results as printed there.
PRIVATE = sm.private_from_hex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
PUBLIC_HEX = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
K = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
R = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
S = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
C1 = (
    "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73e8"
    "58f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
)
C3 = "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
C2 = "21886ca989ca9c7d58087307ca93092d651efa"
# RFC 8998, A.1.
GCM_KEY, GCM_IV = bytes.fromhex("0123456789abcdeffedcba9876543210"), bytes.fromhex("00001234567800000000abcd")
GCM_BOUND = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
GCM_PLAIN = bytes.fromhex("".join(digit * 16 for digit in "abcdefea"))


def test_the_public_key_of_the_standards_example() -> None:
    assert PRIVATE.public.hex == PUBLIC_HEX
    assert sm.public_from_hex("04" + PUBLIC_HEX) == sm.public_from_hex(PUBLIC_HEX) == PRIVATE.public


def test_the_signature_of_the_standards_example() -> None:
    digest = sm._digest(PRIVATE.public, b"message digest", sm.DEFAULT_USER_ID)
    assert digest.hex() == "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
    assert sm._signed(PRIVATE, digest, K) == (int(R, 16), int(S, 16))
    assert sm.verify(PRIVATE.public, b"message digest", bytes.fromhex(R + S), form="raw")


def test_the_encryption_of_the_standards_example() -> None:
    made = sm._encrypted(PRIVATE.public, b"encryption standard", K)
    assert made is not None
    point, digest, text = made
    assert ("04" + point.hex, digest.hex(), text.hex()) == (C1, C3, C2)
    assert sm.decrypt(PRIVATE, bytes.fromhex(C1 + C3 + C2)) == b"encryption standard"
    assert sm.decrypt(PRIVATE, bytes.fromhex(C1 + C2 + C3), order="C1C2C3") == b"encryption standard"


def test_sm3_of_the_standards_example() -> None:
    assert sm.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_sm4_of_the_standards_examples() -> None:
    iv, sealed = sm.sm4_gcm_seal(GCM_KEY, GCM_PLAIN, GCM_BOUND, GCM_IV)
    assert iv == GCM_IV
    assert sealed.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert sm.sm4_gcm_open(GCM_KEY, GCM_IV, sealed, GCM_BOUND) == GCM_PLAIN


def test_hmac_with_sm3_takes_keys_of_any_length() -> None:
    from cryptography.hazmat.primitives import hashes, hmac

    for key in (b"k", b"k" * 64, b"k" * 65):
        theirs = hmac.HMAC(key, hashes.SM3())
        theirs.update(b"content")
        assert sm.hmac_sm3(key, b"content") == theirs.finalize()


@given(st.binary(min_size=1, max_size=80), st.binary(max_size=20), st.sampled_from(["der", "raw"]))
@settings(max_examples=15, deadline=None)
def test_a_signature_holds_for_its_message_user_and_key_alone(message: bytes, user: bytes, form: sm.Form) -> None:
    key, other = sm.generate(), sm.generate()
    signature = sm.sign(key, message, user_id=user, form=form)
    assert sm.verify(key.public, message, signature, user_id=user, form=form)
    assert not sm.verify(key.public, message + b"x", signature, user_id=user, form=form)
    assert not sm.verify(key.public, message, signature, user_id=user + b"x", form=form)
    assert not sm.verify(other.public, message, signature, user_id=user, form=form)


@given(st.binary(min_size=1, max_size=100), st.sampled_from(["C1C3C2", "C1C2C3"]), st.sampled_from(["der", "raw"]))
@settings(max_examples=15, deadline=None)
def test_what_is_encrypted_opens_with_its_key_alone(plain: bytes, order: sm.Order, form: sm.Form) -> None:
    sealed = sm.encrypt(PRIVATE.public, plain, order=order, form=form)
    assert sm.decrypt(PRIVATE, sealed, order=order, form=form) == plain
    with pytest.raises(sm.BadCipher):
        sm.decrypt(sm.generate(), sealed, order=order, form=form)
    with pytest.raises(sm.BadCipher):
        sm.decrypt(PRIVATE, sealed[:-1] + bytes([sealed[-1] ^ 1]), order=order, form=form)


def test_a_public_key_that_begins_with_fours_and_zeros_is_kept_whole() -> None:
    """gmssl would strip them."""
    found = 0
    for number in range(2, 200):
        public = sm.Private(number).public
        if public.hex[0] in "04":
            assert sm.verify(public, b"m", sm.sign(sm.Private(number), b"m"))
            found += 1
            if found == 3:
                return
    pytest.fail("no such key among the first two hundred")


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\x30",
        bytes(64),
        bytes.fromhex(R) + bytes(32),
        bytes.fromhex(R) + sm.N.to_bytes(32, "big"),
        bytes.fromhex(R) + (sm.N - int(R, 16)).to_bytes(32, "big"),
        (int(R, 16)).to_bytes(32, "big") + (int(S, 16) + 1).to_bytes(32, "big"),
    ],
    ids=["empty", "torn", "zeros", "s zero", "s too large", "sum zero", "other s"],
)
def test_a_malformed_signature_does_not_hold(signature: bytes) -> None:
    for form in ("der", "raw"):
        assert not sm.verify(PRIVATE.public, b"message digest", signature, form=form)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "04", "04" + "0" * 128, "04" + "f" * 128, PUBLIC_HEX[:-1] + "4"])
def test_a_point_beside_the_curve_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="SM2 public key"):
        sm.public_from_hex(text)


def test_a_cipher_text_with_a_point_beside_the_curve_is_not_touched() -> None:
    with pytest.raises(sm.BadCipher):
        sm.decrypt(PRIVATE, b"\x04" + bytes(63) + b"\x01" + bytes(40))


def test_private_keys_out_of_range_are_refused_and_never_shown() -> None:
    for number in (0, sm.N - 1, sm.N):
        with pytest.raises(ValueError, match="out of range"):
            sm.Private(number)
    assert str(PRIVATE.number) not in repr(PRIVATE)


def test_what_was_altered_or_cut_off_does_not_open() -> None:
    key, mac_key = b"k" * 16, b"m" * 16
    iv, sealed = sm.sm4_gcm_seal(key, b"content", b"bound")
    cbc_iv, cbc = sm.sm4_cbc_seal(key, mac_key, b"content", b"bound")
    assert sm.sm4_cbc_open(key, mac_key, cbc_iv, cbc, b"bound") == b"content"
    for at in range(len(sealed)):
        with pytest.raises(sm.BadCipher):
            sm.sm4_gcm_open(key, iv, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], b"bound")
    for at in (0, 15, len(cbc) - 1):
        with pytest.raises(sm.BadCipher):
            sm.sm4_cbc_open(key, mac_key, cbc_iv, cbc[:at] + bytes([cbc[at] ^ 1]) + cbc[at + 1 :], b"bound")
    for cut in (b"", sealed[:10]):
        with pytest.raises(sm.BadCipher):
            sm.sm4_gcm_open(key, iv, cut, b"bound")
        with pytest.raises(sm.BadCipher):
            sm.sm4_cbc_open(key, mac_key, cbc_iv, cut, b"bound")
    with pytest.raises(sm.BadCipher):
        sm.sm4_gcm_open(key, iv, sealed, b"other")
