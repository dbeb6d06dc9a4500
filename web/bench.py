"""What everything costs, in parts; each value beside a yardstick of the same run.

Absolute figures say as much of the machine as of us; the ratio to the yardstick is what may be compared over time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from web import app as application
from web import bench_engine, bench_feel, bench_files, bench_item, bench_load, bench_plain, bench_scale
from web.bench_site import reachable
from web.bench_values import Value, bounded, compared, of

Say = Callable[[str], None]
# What a run without a wish measures; ``scale`` fills a database for minutes.
USUAL = ("feel", "engine", "files", "load", "item")


def run(say: Say, server: str, parts: Sequence[str] = USUAL) -> dict[str, Value]:
    """Measure these parts; what needs PostgreSQL is left out with a word where ``server`` does not answer."""
    absent = reachable(server)
    if absent:
        say(f"PostgreSQL 不可用，只测了 SQLite：{absent}")
    found: dict[str, Value] = {}
    for part in parts:
        say(f"测量 {part} …")
        found.update(PARTS[part](say, "" if absent else server))
    return found


def _feel(_say: Say, _server: str) -> dict[str, Value]:
    return {
        name: compared(one.value, one.unit, one.yardstick, least=one.aim) for name, one in bench_feel.measure().items()
    }


def _engine(_say: Say, _server: str) -> dict[str, Value]:
    return {
        name: compared(
            one.value,
            one.unit,
            one.yardstick,
            least=one.aim if one.at_least else None,
            most=None if one.at_least else one.aim,
        )
        for name, one in bench_engine.measure().items()
    }


def _files(say: Say, server: str) -> dict[str, Value]:
    found = {name: of(*one) for name, one in bench_files.measure(application.speeds_of_files).items()}
    if server:
        say("测量 files（PostgreSQL）…")
        speed, bare = bench_files.stored(server)
        found["files.stored"] = bounded(speed, "lines/s", bare, least=5000)
    return found


def _item(say: Say, server: str) -> dict[str, Value]:
    found = {f"sqlite.{name}": one for name, one in bench_item.measure(None).items()}
    if server:
        say("测量 item（PostgreSQL）…")
        found.update({f"postgres.{name}": one for name, one in bench_item.measure(server).items()})
    return found


def _load(_say: Say, server: str) -> dict[str, Value]:
    if not server:
        return {}
    one = bench_load.measure(server)
    left, typed = bench_plain.measure(server)
    bare, idle = one.bare_cpu * 1000, one.idle_cpu * 1000
    return {
        "load_completions": bounded(one.rate, "1/s", one.idle_rate, least=150),
        "load_cpu_per_task": bounded(one.cpu_per_task * 1000, "ms", bare, most=6),
        "load_cpu_per_case": bounded(one.cpu_per_case * 1000, "ms", bare, most=30),
        "load_sql_per_task": bounded(one.statements, "statements", 1, most=8),
        "load_commits_per_task": bounded(one.commits, "commits", 1, most=1),
        "load_bytes_per_case": bounded(one.bytes_per_case, "bytes", one.typed, most=4000),
        "load_bytes_per_plain_case": bounded(left, "bytes", typed, most=4000),
        "load_cpu_per_inbox": of(one.inbox_cpu * 1000, "ms", idle),
        "load_cpu_per_task_page": of(one.page_cpu * 1000, "ms", idle),
        "load_crowd_refused": bounded(len(one.crowd), "of 8", 8, most=0),
        "load_hundred_refused": bounded(len(one.hundred[0]), "of 100", 100, most=0),
        "load_hundred_on_one_case": of(one.hundred[1], "1/s", one.rate),
    }


def _scale(say: Say, server: str) -> dict[str, Value]:
    if not server:
        return {}
    small, large = bench_scale.measure(server, say)
    for name, plan in large.plans.items():
        say(f"{name}: {small.plans[name]} → {plan}")
    found = {"scale_statements": bounded(large.statements, "statements", small.statements, most=3)}
    limits = {"inbox": 20, "inbox_of_all": 20, "rare_view_of_all": 20, "timers": 10}
    limits |= {"inbox_page": 100, "view_page": 100, "case_page": 100}
    for name, most in limits.items():
        before, after = small.times[name], large.times[name]
        found[f"scale_{name}_p95"] = bounded(after.p95, "ms", before.p95, most=most)
        found[f"scale_{name}_flat"] = compared(after.median, "ms", before.median, most=1.2)
    return found


PARTS: Mapping[str, Callable[[Say, str], dict[str, Value]]] = {
    "feel": _feel,
    "engine": _engine,
    "files": _files,
    "load": _load,
    "item": _item,
    "scale": _scale,
}


def server_url(database_url: str) -> str:
    """The PostgreSQL to measure on: the installation's own server, else the one of this machine."""
    if database_url.startswith("postgresql"):
        return database_url
    host, port = os.environ.get("PGHOST", "127.0.0.1"), os.environ.get("PGPORT", "5432")
    return f"postgresql+psycopg://postgres@{host}:{port}/postgres"


def write(found: Mapping[str, Value], data: Path) -> Path:
    """Keep the figures as JSON."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / "bench.json"
    path.write_text(json.dumps({name: asdict(value) for name, value in found.items()}, indent=2) + "\n")
    return path
