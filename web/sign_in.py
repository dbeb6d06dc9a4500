"""Caseworkers sign in and out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.commands import dispatch
from engine.commands.accounts import SignIn
from engine.core.actor import SYSTEM
from web import security

pages = Blueprint("sign_in", __name__)


@pages.get("/login")
def sign_in_page() -> str:
    """The door for staff."""
    return render_template("sign_in.html", next=security.safe_next(request.args.get("next")), login="", error="")


@pages.post("/login")
def sign_in() -> Response | tuple[str, int]:
    """Check login and password; the answer to a wrong one does not say which of the two is wrong."""
    login = request.form.get("login", "").strip()
    onward = security.safe_next(request.form.get("next"))
    user_id = dispatch(SignIn(login, request.form.get("password", "")), SYSTEM)
    if not user_id:
        error = "账号或密码不正确；连续输错 8 次后账号会锁定，请联系管理员"
        return render_template("sign_in.html", next=onward, login=login, error=error), 422
    security.sign_in(f"staff:{user_id}")
    return redirect(onward or url_for("inbox.show"))


@pages.post("/logout")
def sign_out() -> Response:
    """End the session."""
    security.sign_out()
    return redirect(url_for("sign_in.sign_in_page"))
