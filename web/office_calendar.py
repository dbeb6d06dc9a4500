"""办公日历: a month of an office, edited day by day; the yearly notice pasted or uploaded, previewed, then imported."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.calendar import ADMIN, Hours, ImportCalendar, SetOfficeDay, SetSeason
from engine.core import clock
from engine.core.db import reading
from engine.core.errors import AnjuError, Refused
from engine.queries import calendar as calendars
from engine.registers.calendars import EVERYBODY
from engine.registers.yearly_notice import parse
from web.security import staff

pages = Blueprint("office_calendar", __name__)

WORKS = {"works": True, "closed": False, "usual": None}


@pages.get("/calendar")
@staff()
def show() -> str:
    """A month of the office that is chosen, of one's own without a choice."""
    return _page()


@pages.post("/calendar/day")
@staff(ADMIN)
def set_day() -> Response | tuple[str, int]:
    """Say of a day that it is worked or closed, or take back what was said."""
    try:
        day = _date(request.form.get("day", ""))
        word = request.form.get("works", "")
        if word not in WORKS:
            raise Refused("请选择上班、休息或恢复通常安排")
        command = SetOfficeDay(_office(), day, WORKS[word], request.form.get("name", ""), _hours("hours"))
        dispatch(command, g.actor)
    except AnjuError as error:
        return _page(error=error.message), 422
    flash(f"{day.month}月{day.day}日已调整，在办件的到期日正在重算", "success")
    return redirect(_back(day), 303)


@pages.post("/calendar/season")
@staff(ADMIN)
def set_season() -> Response | tuple[str, int]:
    """Other ordinary hours from a day on; none take back what was said."""
    try:
        day = _date(request.form.get("day", ""))
        dispatch(SetSeason(_office(), day, _hours("hours"), request.form.get("name", "")), g.actor)
    except AnjuError as error:
        return _page(error=error.message), 422
    flash("作息时间已调整", "success")
    return redirect(_back(day), 303)


@pages.post("/calendar/import")
@staff(ADMIN)
def bring() -> Response | tuple[str, int] | str:
    """Without ``confirmed`` show what would change."""
    try:
        upload = request.files.get("file")
        text: str | bytes = upload.read() if upload and upload.filename else request.form.get("notice", "")
        year = request.form.get("year", "")
        days = parse(text, int(year) if year.isdecimal() else None)
        if "confirmed" not in request.form:
            with reading() as session:
                found = calendars.differences(session, _office(), days)
            # What is confirmed is what was shown, whatever it was read from.
            lines = "\n".join(f"{day},{'班' if works else '休'},{name}" for day, (works, name) in days.items())
            return _page(preview={"lines": lines, "differences": found, "years": sorted({one.year for one in days})})
        dispatch(ImportCalendar(days, _office(), sorted({one.year for one in days})), g.actor)
    except AnjuError as error:
        return _page(error=error.message), 422
    flash(f"已导入 {len(days)} 天，在办件的到期日正在重算", "success")
    return redirect(_back(min(days)), 303)


def _page(error: str = "", preview: dict[str, Any] | None = None) -> str:
    first = _month(request.args.get("month") or request.form.get("month") or "")
    with reading() as session:
        month = calendars.month(session, g.actor, first, _office())
        changes = calendars.changes(session)
    chosen = request.args.get("day", "")
    cell = next((one for week in month.weeks for one in week if str(one.day) == chosen), None)
    return render_template(
        "clock/calendar.html",
        month=month,
        week=calendars.WEEK,
        changes=changes,
        cell=cell,
        error=error,
        preview=preview,
    )


def _office() -> int:
    """0 is everybody's."""
    given = request.values.get("office", "")
    return int(given) if given.isdecimal() else (EVERYBODY if request.method == "POST" else g.actor.office_id)


def _back(day: date) -> str:
    return url_for("office_calendar.show", office=_office(), month=f"{day:%Y-%m}")


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01") if text else clock.today().replace(day=1)
    except ValueError as error:
        raise Refused("月份应写作 2026-03") from error


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("请选择日期") from error


def _hours(name: str) -> Hours:
    """«09:00-12:00、13:30-17:30»; empty for the usual ones."""
    text = request.form.get(name, "").replace("，", ",").replace("、", ",").replace("—", "-").strip()
    spans = [part.strip() for part in text.split(",") if part.strip()]
    found = []
    for span in spans:
        begin, dash, end = span.partition("-")
        if not dash:
            raise Refused("时间应写作 09:00-12:00、13:30-17:30")
        found.append((begin.strip(), end.strip()))
    return tuple(found)
