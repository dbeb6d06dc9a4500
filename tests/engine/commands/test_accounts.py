"""Signing in and up: what is counted, what locks, what runs out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from engine.commands import dispatch
from engine.commands.accounts import (
    CODE_ATTEMPTS,
    CODE_LIFE,
    CODE_PAUSE,
    CODES_A_DAY,
    LOGIN_ATTEMPTS,
    RegisterCitizen,
    RequestCode,
    SignIn,
    SignInCitizen,
)
from engine.core import clock
from engine.core.actor import SYSTEM
from engine.core.db import reading, transaction
from engine.core.errors import InvalidAnswers, Refused
from engine.registers.accounts import CitizenAccount, SmsCode, citizen_actor
from engine.registers.offices import StaffUser, staff_actor
from tests.support.installation import Installation
from web.demo_data import PASSWORD

PHONE = "19900000001"


def sign_in(password: str = PASSWORD, login: str = "liuyang") -> int:
    found: int = dispatch(SignIn(login, password), SYSTEM)
    return found


def code_for(phone: str = PHONE) -> str:
    code: str = dispatch(RequestCode(phone), SYSTEM)
    return code


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def later(by: timedelta) -> None:
    clock.move_frozen(clock.now() + by)


def test_a_wrong_password_counts_and_a_right_one_forgets_the_count(anju_both: Installation) -> None:
    assert sign_in("wrong") == 0
    assert failed() == 1
    assert sign_in()
    assert failed() == 0


def failed(login: str = "liuyang") -> int:
    with reading() as session:
        return session.scalars(select(StaffUser.failed_logins).where(StaffUser.login == login)).one()


def test_too_many_wrong_passwords_lock_the_account_even_for_the_right_one(anju: Installation) -> None:
    for _ in range(LOGIN_ATTEMPTS):
        assert sign_in("wrong") == 0
    assert sign_in() == 0
    with transaction() as session:  # an administrator helps
        session.execute(update(StaffUser).values(failed_logins=0))
    assert sign_in()


def test_an_unknown_login_is_told_no_more_than_a_wrong_password(anju: Installation) -> None:
    assert sign_in("wrong", "nobody") == sign_in("wrong") == 0


def test_a_closed_account_signs_in_no_more(anju: Installation) -> None:
    user_id = sign_in()
    with transaction() as session:
        session.execute(update(StaffUser).values(active=False))
        session.execute(update(CitizenAccount).values(active=False))
    assert sign_in() == 0
    assert dispatch(SignInCitizen(PHONE, code_for()), SYSTEM) == 0
    with reading() as session:
        assert staff_actor(session, user_id) is None
        assert citizen_actor(session, session.scalars(select(CitizenAccount.id)).first() or 0) is None


def test_a_code_opens_the_door_once(anju_both: Installation) -> None:
    code = code_for()
    assert dispatch(SignInCitizen(PHONE, code), SYSTEM)
    assert dispatch(SignInCitizen(PHONE, code), SYSTEM) == 0


def test_a_code_runs_out(anju: Installation) -> None:
    code = code_for()
    later(CODE_LIFE + timedelta(seconds=1))
    assert dispatch(SignInCitizen(PHONE, code), SYSTEM) == 0


def test_a_code_of_another_phone_is_none(anju: Installation) -> None:
    assert dispatch(SignInCitizen("19900000005", code_for()), SYSTEM) == 0


def test_after_some_wrong_tries_the_right_code_is_dead_too(anju: Installation) -> None:
    code = code_for()
    for _ in range(CODE_ATTEMPTS):
        assert dispatch(SignInCitizen(PHONE, wrong(code)), SYSTEM) == 0
    assert dispatch(SignInCitizen(PHONE, code), SYSTEM) == 0


def test_wrong_tries_at_registering_are_counted_too(anju: Installation) -> None:
    phone = "19900000077"
    code = code_for(phone)
    for _ in range(CODE_ATTEMPTS):
        assert register(phone, wrong(code)) == 0
    assert register(phone, code) == 0


def register(phone: str, code: str, number: str = "330106198511303174") -> int:
    made: int = dispatch(RegisterCitizen(phone, code, "新用户", "resident_id", number), SYSTEM)
    return made


def test_one_code_a_minute_and_ten_a_day(anju: Installation) -> None:
    code_for()
    with pytest.raises(Refused) as soon:
        code_for()
    assert soon.value.code == "code_too_soon"
    code_for("19900000005")
    for _ in range(CODES_A_DAY - 1):
        later(CODE_PAUSE)
        code_for()
    later(CODE_PAUSE)
    with pytest.raises(Refused) as many:
        code_for()
    assert many.value.code == "code_too_many"
    later(timedelta(days=1))
    code_for()


def test_codes_lie_as_hashes_only(anju: Installation) -> None:
    code = code_for()
    with reading() as session:
        row = session.scalars(select(SmsCode)).one()
    assert code not in row.code_digest
    assert len(row.code_digest) == 64


@pytest.mark.parametrize("phone", ["", "1990000000", "29900000001", "１９９００００００01", "199 0000 0001"])
def test_what_is_no_phone_gets_no_code(anju: Installation, phone: str) -> None:
    with pytest.raises(InvalidAnswers) as invalid:
        code_for(phone)
    assert "phone" in invalid.value.errors


def test_a_number_or_phone_known_already_is_not_registered_again(anju: Installation) -> None:
    known = "330106198803121014"
    for phone, number in ((PHONE, "330106198511303174"), ("19900000077", known)):
        with pytest.raises(InvalidAnswers) as invalid:
            register(phone, code_for(phone), number)
        assert "已注册" in invalid.value.errors["phone"][0]


def test_a_wrong_id_number_is_named_at_its_field_and_spends_no_code(anju: Installation) -> None:
    phone = "19900000077"
    code = code_for(phone)
    with pytest.raises(InvalidAnswers) as invalid:
        register(phone, code, "330106198511303173")
    assert "id_number" in invalid.value.errors
