"""APScheduler as the clock: it only fires; what it fires is safe to run twice."""

from __future__ import annotations

from apscheduler.schedulers.background import BackgroundScheduler

from engine.core.clock import SHANGHAI
from engine.files.store import FileStore
from engine.workers import housekeeping, invoices, payments, rounds
from engine.workers.files import StoredFiles


def build(store: FileStore) -> BackgroundScheduler:
    """The scheduler with its jobs, not yet started."""
    scheduler = BackgroundScheduler(timezone=SHANGHAI)
    scheduler.add_job(housekeeping.forget_expired, "interval", minutes=15, id="forget_expired", coalesce=True)
    scheduler.add_job(housekeeping.deliver_kept_messages, "interval", seconds=30, id="deliver_kept", coalesce=True)
    scheduler.add_job(housekeeping.sweep_files, "cron", hour=3, args=[store], id="sweep_files", coalesce=True)
    scheduler.add_job(housekeeping.erase_overdue, "cron", hour=2, id="erase_overdue", coalesce=True)
    scheduler.add_job(housekeeping.forget_undo, "cron", hour=2, minute=30, id="forget_undo", coalesce=True)
    files = StoredFiles(store)
    scheduler.add_job(rounds.collect, "interval", seconds=10, args=[files], id="collect", coalesce=True)
    scheduler.add_job(rounds.send_batches, "interval", seconds=20, args=[files], id="send_batches", coalesce=True)
    scheduler.add_job(payments.work, "interval", seconds=2, id="payments", coalesce=True)
    scheduler.add_job(invoices.work, "interval", seconds=5, args=[files], id="invoices", coalesce=True)
    scheduler.add_job(rounds.reconcile, "interval", minutes=30, id="reconcile", coalesce=True)
    return scheduler
