"""The demo's clock: shown and moved forward, in demo mode alone."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.admin import MoveClock
from engine.core import clock
from engine.core.errors import NotFound, Refused
from web.security import staff
from web.staff_context import parts

pages = Blueprint("demo_clock", __name__)

CHOICES = (1, 3, 5, 7, 15, 30)


def _demo_only() -> None:
    if not parts().config.demo:
        raise NotFound("演示时钟只在演示模式下可用")


@pages.get("/demo/clock")
@staff()
def show() -> str:
    """Which moment it is in the demo."""
    _demo_only()
    return render_template("inbox/clock.html", now=clock.local(clock.now()), ahead=clock.offset(), choices=CHOICES)


@pages.post("/demo/clock")
@staff()
def move() -> Response:
    """Forward by whole days; timers that come due are fired by the worker."""
    _demo_only()
    days = request.form.get("days", "")
    if not days.isdecimal() or not 0 < int(days) <= 366:
        raise Refused("请选择向前拨 1 至 366 天", code="clock_days")
    dispatch(MoveClock(timedelta(days=int(days))), g.actor)
    flash(f"演示时钟已向前拨 {days} 天，现在是 {clock.today():%Y-%m-%d}", "success")
    return redirect(url_for("demo_clock.show"), 303)
