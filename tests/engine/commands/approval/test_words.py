"""抄送, 催办, 会商, read marks, phrases, signatures."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from engine.cases.colleagues import StaffMessage
from engine.commands.approval.words import (
    URGE_HOURS,
    AddComment,
    CopyTo,
    DropPhrase,
    MarkRead,
    SavePhrase,
    Urge,
)
from engine.commands.signing import KeepSignature
from engine.commands.tasks import CompleteTask
from engine.core.db import reading
from tests.engine.commands.approval.kit import LINE, YES, Office
from tests.support.installation import Installation


def unread(office: Office, login: str) -> list[str]:
    with reading() as session:
        query = select(StaffMessage.kind).where(StaffMessage.to_key == office.who(login).key)
        return list(session.scalars(query.where(StaffMessage.read_at.is_(None)).order_by(StaffMessage.id)))


def test_a_copy_is_unread_until_it_is_read(anju_both: Installation) -> None:
    office = Office(anju_both, "line")
    office.act("wangmin", CopyTo(office.case_id, (office.id("chenhao"), office.id("liuyang")), "请知悉"))

    assert unread(office, "chenhao") == ["copy"]
    assert office.act("chenhao", MarkRead()) == 1
    assert (unread(office, "chenhao"), unread(office, "liuyang")) == ([], ["copy"])


def test_only_colleagues_of_the_office_are_told(anju: Installation) -> None:
    office = Office(anju, "line")

    assert office.refused("wangmin", CopyTo(office.case_id, (office.id("zhoujie"),))) == "not_a_colleague"
    assert office.refused("zhoujie", CopyTo(office.case_id, (office.id("wangmin"),))) == "not_found"


def test_whoever_is_named_in_a_comment_gets_it(anju: Installation) -> None:
    office = Office(anju, "line")
    office.act("wangmin", AddComment(office.case_id, "@陈浩请看第三页，@zhaoling 也看一下；@路人"))

    assert (unread(office, "chenhao"), unread(office, "zhaoling"), unread(office, "liuyang")) == (
        ["mention"],
        ["mention"],
        [],
    )
    assert office.refused("wangmin", AddComment(office.case_id, " ")) == "comment_length"


def test_urging_is_counted_and_limited(anju_both: Installation) -> None:
    office = Office(anju_both, "line")
    task = office.task("a")

    assert office.act("liuyang", Urge(task.id, "群众来电")) == 1
    assert office.refused("liuyang", Urge(task.id)) == "urged_lately"
    assert office.act("chenhao", Urge(task.id)) == 2
    assert unread(office, "wangmin") == ["urge", "urge"]
    for _ in range(2):
        anju_both.move(timedelta(hours=URGE_HOURS))
        office.act("liuyang", Urge(task.id))
    anju_both.move(timedelta(hours=URGE_HOURS))
    assert office.refused("liuyang", Urge(task.id)) == "urged_enough"
    assert office.task("a").urged == 4


def test_an_item_sets_its_own_limit(anju: Installation) -> None:
    office = Office(anju, "quick", *LINE, settings={"urging": {"hours": 1, "most": 1}})
    office.act("liuyang", Urge(office.task("a").id))
    anju.move(timedelta(hours=2))

    assert office.refused("liuyang", Urge(office.task("a").id)) == "urged_enough"


def test_phrases_are_ones_own_or_the_offices(anju: Installation) -> None:
    office = Office(anju, "line")
    mine = office.act("wangmin", SavePhrase("  材料齐全，\n同意上报 "))

    assert office.refused("wangmin", SavePhrase("全所通用", office=True)) == "forbidden"
    shared = office.act("sunqiang", SavePhrase("全所通用", office=True))
    assert office.refused("chenhao", DropPhrase(mine)) in ("not_found", "forbidden")
    office.act("wangmin", DropPhrase(mine))
    office.act("sunqiang", DropPhrase(shared))
    assert office.refused("wangmin", DropPhrase(mine)) == "not_found"


def test_a_kept_signature_stands_under_what_it_signed(anju: Installation) -> None:
    office = Office(anju, "line")
    task = office.task("a")

    assert office.refused("wangmin", CompleteTask(task.id, YES, task.version, sign=True)) == "no_signature"
    office.act("wangmin", KeepSignature("ab" * 32))
    office.act("wangmin", CompleteTask(task.id, YES, task.version, sign=True))
    office.act("wangmin", KeepSignature("cd" * 32))
    assert office.done("a").signature == "ab" * 32
    assert ("signed", "王敏", "「办理a」手写签名") in office.lines()
