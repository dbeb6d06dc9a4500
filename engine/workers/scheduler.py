"""APScheduler as the clock: it only fires; what it fires is safe to run twice."""

from __future__ import annotations

from apscheduler.schedulers.background import BackgroundScheduler

from engine.core.clock import SHANGHAI
from engine.files.store import FileStore
from engine.workers import housekeeping


def build(store: FileStore) -> BackgroundScheduler:
    """The scheduler with its jobs, not yet started."""
    scheduler = BackgroundScheduler(timezone=SHANGHAI)
    scheduler.add_job(housekeeping.forget_expired, "interval", minutes=15, id="forget_expired", coalesce=True)
    scheduler.add_job(housekeeping.deliver_kept_messages, "interval", seconds=30, id="deliver_kept", coalesce=True)
    scheduler.add_job(housekeeping.sweep_files, "cron", hour=3, args=[store], id="sweep_files", coalesce=True)
    return scheduler
