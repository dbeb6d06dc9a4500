"""Signing in and up: staff by password, citizens by a code on their phone."""

from __future__ import annotations

import secrets as random
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError

from engine.commands import Unit, handles
from engine.core import idnum, ids, secrets
from engine.core.db import for_update
from engine.core.errors import InvalidAnswers, Refused
from engine.registers.accounts import CitizenAccount, SmsCode, by_phone
from engine.registers.offices import StaffUser

CODE_LIFE = timedelta(minutes=5)
CODE_PAUSE = timedelta(seconds=60)
CODES_A_DAY = 10
CODE_ATTEMPTS = 5
LOGIN_ATTEMPTS = 8

Row = TypeVar("Row")

_hasher = PasswordHasher()
# Verified when the login is unknown, so that the answer takes as long as for a known one.
_DUMMY = _hasher.hash(random.token_hex(8))


@dataclass(frozen=True)
class SignIn:
    """A caseworker signs in."""

    login: str
    password: str


@dataclass(frozen=True)
class RequestCode:
    """Send a one-time code to a phone. Gives the code: the caller hands it to the SMS party and shows it to nobody."""

    phone: str


@dataclass(frozen=True)
class RegisterCitizen:
    """Open an account with a code proved on the phone."""

    phone: str
    code: str
    name: str
    id_kind: str
    id_number: str


@dataclass(frozen=True)
class SignInCitizen:
    """A citizen signs in with phone and code."""

    phone: str
    code: str


def hash_password(password: str) -> str:
    """The argon2 hash of a password."""
    return _hasher.hash(password)


@handles(SignIn)
def sign_in(command: SignIn, unit: Unit) -> int:
    """The id of the caseworker, or 0. A wrong password counts; too many lock the account until an admin helps."""
    # Locked while it is looked at: guesses at the same moment are counted one by one.
    user = unit.session.scalar(_locked(unit, select(StaffUser).where(StaffUser.login == command.login)))
    try:
        _hasher.verify(user.password_hash if user else _DUMMY, command.password)
    except VerificationError:
        if user is not None:
            user.failed_logins += 1
            unit.record(None, "login_failed", f"登录失败：{user.login}")
            unit.session.flush()
        return 0
    if user is None or not user.active or user.failed_logins >= LOGIN_ATTEMPTS:
        return 0
    if user.failed_logins:
        user.failed_logins = 0
        unit.session.flush()
    unit.record(None, "login", f"登录：{user.login}")
    return user.id


@handles(RequestCode)
def request_code(command: RequestCode, unit: Unit) -> str:
    """Make a code; one a minute and ten a day for each phone."""
    digest = secrets.digest(_phone(command.phone))
    recent = select(func.count()).select_from(SmsCode).where(SmsCode.phone_digest == digest)
    if unit.session.scalar(recent.where(SmsCode.created_at > unit.now - CODE_PAUSE)):
        raise Refused("验证码已发送，请 1 分钟后再试", code="code_too_soon")
    if (unit.session.scalar(recent.where(SmsCode.created_at > unit.now - timedelta(days=1))) or 0) >= CODES_A_DAY:
        raise Refused("该手机号今天获取验证码次数过多，请明天再试或到窗口办理", code="code_too_many")
    code = f"{random.randbelow(1_000_000):06d}"
    unit.session.add(
        SmsCode(
            id=ids.new(),
            phone_digest=digest,
            code_digest=secrets.digest(f"{digest}:{code}"),
            created_at=unit.now,
            expires_at=unit.now + CODE_LIFE,
        )
    )
    unit.session.flush()
    return code


@handles(RegisterCitizen)
def register_citizen(command: RegisterCitizen, unit: Unit) -> int:
    """The id of the new account, or 0 where the code does not fit: a wrong try is counted in its own commit."""
    errors: dict[str, list[str]] = {}
    if not command.name.strip():
        errors["name"] = ["请填写姓名"]
    if wrong := idnum.check(command.id_kind, command.id_number):
        errors["id_number"] = [wrong]
    if errors:
        raise InvalidAnswers(errors)
    if not _use_code(unit, command.phone, command.code):
        return 0
    number = idnum.normal(command.id_number)
    account = CitizenAccount(
        id=ids.new(),
        phone=command.phone,
        phone_digest=secrets.digest(command.phone),
        name=command.name.strip(),
        id_kind=command.id_kind,
        id_number=number,
        id_digest=secrets.digest(number),
        created_at=unit.now,
    )
    unit.session.add(account)
    try:
        unit.session.flush()
    except IntegrityError as error:
        raise InvalidAnswers({"phone": ["该手机号或证件号已注册，请直接登录"]}) from error
    unit.record(None, "registered", "个人账号注册", {"account_id": account.id})
    return account.id


@handles(SignInCitizen)
def sign_in_citizen(command: SignInCitizen, unit: Unit) -> int:
    """The id of the account, or 0 where code or phone do not fit. A wrong try is counted in its own commit."""
    if not _use_code(unit, command.phone, command.code):
        return 0
    account = by_phone(unit.session, command.phone)
    return account.id if account is not None and account.active else 0


def _phone(phone: str) -> str:
    if not (len(phone) == 11 and phone.isascii() and phone.isdigit() and phone[0] == "1" and phone[1] in "3456789"):
        raise InvalidAnswers({"phone": ["请填写 11 位手机号"]})
    return phone


def _locked(unit: Unit, query: Select[Row]) -> Select[Row]:
    return query.with_for_update() if for_update(unit.session) else query


def _use_code(unit: Unit, phone: str, code: str) -> bool:
    """Check the newest code of the phone and use it up."""
    digest = secrets.digest(_phone(phone))
    newest = select(SmsCode).where(SmsCode.phone_digest == digest).order_by(SmsCode.created_at.desc()).limit(1)
    row = unit.session.scalar(_locked(unit, newest))
    if row is None or row.used or row.expires_at < unit.now or row.attempts >= CODE_ATTEMPTS:
        return False
    row.attempts += 1
    right = compare_digest(row.code_digest, secrets.digest(f"{digest}:{code.strip()}"))
    row.used = right
    unit.session.flush()
    return right
