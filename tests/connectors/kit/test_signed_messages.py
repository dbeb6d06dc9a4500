"""Gateway signatures by hand-written texts, and webhooks that hold, repeat, come late or are forged."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors._kit import gateways, rsa, sm, webhooks
from engine.core.errors import Refused

PARAMETERS = {"b": "2", "a": "房", "B": "x y", "empty": "", "none": None, "sign": "old"}


@cache
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def by_hand(message: bytes) -> str:
    return b64encode(key().sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def test_parameters_are_sorted_by_bytes_and_empty_ones_left_out() -> None:
    assert gateways.canonical(PARAMETERS) == "B=x y&a=房&b=2"
    assert gateways.canonical(PARAMETERS, empty=True) == "B=x y&a=房&b=2&empty=&none="


def test_a_government_gateways_headers_sign_application_nonce_and_time() -> None:
    headers = gateways.government(
        {"b": 2, "a": 1}, "housing", gateways.by_hmac_sha256(b"k"), at=1_700_000_000, once="n1"
    )
    text = b"a=1&appId=housing&b=2&nonce=n1&timestamp=1700000000"
    assert headers["X-Signature"] == b64encode(hmac.new(b"k", text, hashlib.sha256).digest()).decode()
    private = sm.generate()
    signed = gateways.government({}, "housing", gateways.by_sm2(private), at=1, once="n2")["X-Signature"]
    assert len(signed) > 80


def test_wechat_authorization_signs_verb_target_time_nonce_and_body() -> None:
    url, body = "https://pay.example/v3/pay/native?x=1", b'{"amount":1}'
    header = gateways.wechat_authorization(
        key(), "1900", "5157", "post", url, body, at=1_554_208_460, once="593BEC0C930B"
    )
    message = b'POST\n/v3/pay/native?x=1\n1554208460\n593BEC0C930B\n{"amount":1}\n'
    assert header == (
        'WECHATPAY2-SHA256-RSA2048 mchid="1900",nonce_str="593BEC0C930B",'
        f'signature="{by_hand(message)}",timestamp="1554208460",serial_no="5157"'
    )


def wechat_headers(body: bytes, at: int) -> dict[str, str]:
    return {
        "Wechatpay-Timestamp": str(at),
        "Wechatpay-Nonce": "abc",
        "Wechatpay-Serial": "S1",
        "Wechatpay-Signature": by_hand(b"%d\nabc\n%s\n" % (at, body)),
    }


def test_a_wechat_notice_holds_only_fresh_whole_and_from_a_known_certificate() -> None:
    keys, body, present = {"S1": key().public_key()}, b'{"id":"1"}', int(time.time())
    assert gateways.wechat_holds(keys, wechat_headers(body, present), body)
    assert not gateways.wechat_holds(keys, wechat_headers(body, present), body + b" ")
    assert not gateways.wechat_holds(keys, wechat_headers(body, present - 301), body)
    assert not gateways.wechat_holds({}, wechat_headers(body, present), body)
    assert not gateways.wechat_holds(keys, {}, body)


def test_a_wechat_resource_opens_with_the_key_of_the_merchant() -> None:
    api_key, nonce = b"k" * 32, b"0123456789ab"
    sealed = AESGCM(api_key).encrypt(nonce, b'{"amount":1}', b"transaction")
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": nonce.decode(),
        "associated_data": "transaction",
        "ciphertext": b64encode(sealed).decode(),
    }
    assert gateways.wechat_resource(api_key, resource) == b'{"amount":1}'
    for wrong in ({**resource, "associated_data": "refund"}, {**resource, "algorithm": "none"}):
        with pytest.raises(ValueError, match=r"agreed|tag"):
            gateways.wechat_resource(api_key, wrong)


def test_alipay_signs_all_but_the_signature_and_its_notice_leaves_out_the_kind_too() -> None:
    signed = gateways.alipay_signed(key(), {"method": "query", "app_id": "1", "note": ""})
    assert signed["sign"] == by_hand(b"app_id=1&method=query&sign_type=RSA2")
    notice = {"trade_no": "1", "amount": "1.00", "sign_type": "RSA2"}
    notice["sign"] = by_hand(b"amount=1.00&trade_no=1")
    assert gateways.alipay_holds(key().public_key(), notice)
    assert not gateways.alipay_holds(key().public_key(), {**notice, "amount": "9.00"})
    assert not gateways.alipay_holds(key().public_key(), {**notice, "sign_type": "RSA"})


def test_an_alipay_answer_is_verified_byte_for_byte() -> None:
    inner = b'{ "code":"10000", "msg":"a \\"}\\" b", "more":{"x":[1]} }'
    body = b'{"alipay_trade_query_response":' + inner + b',"sign":"..."}'
    name = "alipay_trade_query_response"
    assert gateways.alipay_answer_holds(key().public_key(), body, name, by_hand(inner))
    assert not gateways.alipay_answer_holds(key().public_key(), body.replace(b"10000", b"10001"), name, by_hand(inner))
    assert not gateways.alipay_answer_holds(key().public_key(), body[:60], name, by_hand(inner))


def test_keys_come_as_pem_or_as_bare_base64_and_small_ones_are_refused() -> None:
    pkcs8 = serialization.PrivateFormat.PKCS8
    der = key().private_bytes(serialization.Encoding.DER, pkcs8, serialization.NoEncryption())
    pem = key().private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption())
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key().public_key().public_bytes(serialization.Encoding.DER, spki)
    for text in (b64encode(der).decode(), pem.decode()):
        signature = rsa.sign(rsa.private_key(text), b"m", "pss")
        assert rsa.verify(rsa.public_key(b64encode(public).decode()), b"m", signature, "pss")
        assert not rsa.verify(rsa.public_key(b64encode(public).decode()), b"m", signature, "pkcs1")
    weak = generate_private_key(65537, 1024)  # noqa: S505 - refused is what it shall be
    small = weak.private_bytes(serialization.Encoding.DER, pkcs8, serialization.NoEncryption())
    with pytest.raises(ValueError, match="2048"):
        rsa.private_key(b64encode(small).decode())
    with pytest.raises(ValueError, match="base64"):
        rsa.public_key("%%%")


# --- webhooks ------------------------------------------------------------------------------------------------------

SECRET = b"shared"
AGREED = webhooks.Agreed("bank", webhooks.by_hmac(SECRET), max_bytes=200)
BODY = json.dumps({"messageId": "M1", "amount": 100}).encode()


def posted(body: bytes = BODY, *, at: int | None = None, nonce: str = "nonce-0001") -> dict[str, str]:
    stamp = str(int(time.time()) if at is None else at)
    text = f"{stamp}\n{nonce}\n".encode() + body
    return {"x-timestamp": stamp, "X-NONCE": nonce, "X-Signature": hmac.new(SECRET, text, hashlib.sha256).hexdigest()}


def code(body: bytes, headers: dict[str, str], nonces: webhooks.Nonces | None = None) -> str:
    with pytest.raises(Refused) as caught:
        webhooks.receive(AGREED, body, headers, nonces or webhooks.MemoryNonces())
    assert caught.value.code in webhooks.STATUS
    return caught.value.code


def test_a_signed_message_becomes_an_event_and_its_repeat_the_same_one() -> None:
    nonces, headers = webhooks.MemoryNonces(), posted()
    first, again = (webhooks.receive(AGREED, BODY, headers, nonces) for _ in range(2))
    assert first == again
    assert (first.party, first.message_id, first.data["amount"]) == ("bank", "M1", 100)
    assert "100" not in repr(first)


def test_a_nonce_under_other_bytes_is_a_replay() -> None:
    nonces = webhooks.MemoryNonces()
    webhooks.receive(AGREED, BODY, posted(), nonces)
    other = BODY.replace(b"100", b"900")
    assert code(other, posted(other), nonces) == "replayed_message"


def test_forged_stale_large_and_malformed_messages_are_refused_each_with_its_code() -> None:
    present = int(time.time())
    assert code(BODY + b" ", posted()) == "bad_signature"
    assert code(BODY, {}) == "bad_signature"
    assert code(BODY, {**posted(), "X-Signature": "no"}) == "bad_signature"
    assert code(BODY, posted(nonce="short")) == "bad_signature"
    assert code(BODY, posted(at=present - 301)) == "stale_message"
    assert code(BODY, posted(at=present + 310)) == "stale_message"
    assert code(b" " * 201, posted(b" " * 201)) == "message_too_large"
    for wrong in (b"[]", b"{", b"{}", b'{"messageId": 1}'):
        assert code(wrong, posted(wrong)) == "bad_message"


@pytest.mark.parametrize("kind", ["rsa", "sm2"])
def test_a_message_signed_with_a_key_pair_holds_and_an_altered_one_does_not(kind: str) -> None:
    private = sm.generate()
    verify = webhooks.by_rsa(key().public_key()) if kind == "rsa" else webhooks.by_sm2(private.public)
    stamp = str(int(time.time()))
    text = f"{stamp}\nnonce-0001\n".encode() + BODY
    signature = rsa.sign(key(), text) if kind == "rsa" else sm.sign(private, text)
    headers: dict[str, Any] = {
        "X-Timestamp": stamp,
        "X-Nonce": "nonce-0001",
        "X-Signature": b64encode(signature).decode(),
    }
    agreed = webhooks.Agreed("tax", verify)
    assert webhooks.receive(agreed, BODY, headers, webhooks.MemoryNonces()).message_id == "M1"
    with pytest.raises(Refused, match="签名不正确"):
        webhooks.receive(agreed, BODY + b" ", headers, webhooks.MemoryNonces())


def test_nonces_are_forgotten_when_they_cannot_be_used_any_more() -> None:
    nonces = webhooks.MemoryNonces()
    nonces.use("bank", "old", b"1", int(time.time()) - 1)
    nonces.use("bank", "new", b"1", int(time.time()) + 60)
    assert nonces.use("bank", "old", b"2", int(time.time()) + 60) == b"2"
    assert nonces.use("bank", "new", b"2", int(time.time()) + 60) == b"1"
