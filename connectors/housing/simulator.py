"""A simulated transaction system: a database full of buildings, and the interface that takes marks (wire/README.md)."""

from __future__ import annotations

import atexit
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from connectors._kit.sandbox import COMMON, Refusal, State, serve, sign, signature_holds

SECRET = "demo-housing-key"  # noqa: S105 - known to everybody, of the simulator only
SCENARIOS = {**COMMON, "empty": "没有该房屋", "bad_signature": "应答签名错误"}
DEMO = Path("var") / "simulators" / "housing.db"
ESTATES = (("XM01", "惠民里", 4, 18, 6), ("XM02", "安居苑", 6, 11, 4), ("XM03", "滨江保障房小区", 3, 32, 8))
VIEWS = """
CREATE TABLE LPB_XM (XMBH text PRIMARY KEY, XMMC text, QYMC text, QYTYXYDM text);
CREATE TABLE LPB_LD (LDBH text PRIMARY KEY, XMBH text, LDMC text, ZCS integer, HS integer);
CREATE TABLE LPB_HW (BDCDYH text PRIMARY KEY, LDBH text, DYMC text, SZC integer, FJH text, JZMJ numeric(10,2),
  TNMJ numeric(10,2), GHYT text, FWZT text, BZFBJ text);
CREATE INDEX LPB_HW_LD ON LPB_HW (LDBH);
"""
_databases: dict[int, tuple[State, Path]] = {}


def create(state: State) -> Callable[..., Any]:
    """The interface that takes marks."""
    app = Flask(__name__)

    @app.post("/v1/marks")
    def marks() -> Response:
        path = request.script_root + request.path
        if not signature_holds(SECRET, request, path):
            return Response('{"code":"401"}', 401, content_type="application/json")
        asked = request.get_json()

        def encode(content: Mapping[str, Any], scenario: str) -> Response:
            if scenario == "changed_schema":
                content = {"resultCode": content["code"]}
            body = json.dumps(content, ensure_ascii=False).encode()
            answer = Response(body, content_type="application/json; charset=utf-8")
            answer.headers.update(sign(SECRET, "ANSWER", path, body, broken=scenario == "bad_signature"))
            return answer

        def work(scenario: str) -> dict[str, Any]:
            return _mark(state, asked, scenario)

        return serve(state, request, "housing", "mark", str(asked["unitNo"]), work, encode)

    return app


def settings(state: State, url: str) -> dict[str, str]:
    """Where the database of this ``state`` lies; it is filled when it is first asked for."""
    return {"ANJU_HOUSING_DATABASE": f"sqlite:///file:{_database(state)}?mode=ro&uri=true"}


def listen(state: State) -> None:
    """Put the database where the manifest's default says, for ``anju simulators`` and the demo."""
    DEMO.parent.mkdir(parents=True, exist_ok=True)
    DEMO.unlink(missing_ok=True)
    _databases[id(state)] = (state, _filled(DEMO))


def _database(state: State) -> Path:
    if id(state) not in _databases:
        folder = Path(tempfile.mkdtemp(prefix="anju-housing-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _databases[id(state)] = (state, _filled(folder / "housing.db"))
    return _databases[id(state)][1]


def _mark(state: State, asked: Mapping[str, Any], scenario: str) -> dict[str, Any]:
    if scenario == "business_error":
        raise Refusal(code="3001")
    with closing(sqlite3.connect(_database(state), isolation_level=None)) as connection:
        found = connection.execute("SELECT FWZT FROM LPB_HW WHERE BDCDYH = ?", (asked["unitNo"],)).fetchone()
        if scenario == "empty" or found is None:
            raise Refusal(code="2002")
        if found[0] in ("已售", "查封"):
            raise Refusal(code="2001")
        value = None if asked["mark"] == "WU" else asked["mark"]
        connection.execute("UPDATE LPB_HW SET BZFBJ = ? WHERE BDCDYH = ?", (value, asked["unitNo"]))
    number = f"BJ{len(state.log('housing')) + 1:08d}"
    return {"code": "0", "data": {"markNo": number, "unitNo": asked["unitNo"], "mark": asked["mark"]}}


# --- a city's building table --------------------------------------------------------------------------------------


def _filled(path: Path) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(VIEWS)
        connection.execute("BEGIN")
        for at, (estate, name, count, storeys, doors) in enumerate(ESTATES, 1):
            developer = (estate, name, "安居市城市建设投资有限公司", "91440700MA4W00001X")
            connection.execute("INSERT INTO LPB_XM VALUES (?, ?, ?, ?)", developer)
            for building in range(1, count + 1):
                number = f"LD{at:02d}{building:02d}"
                row = (number, estate, f"{building} 幢", storeys, storeys * doors)
                connection.execute("INSERT INTO LPB_LD VALUES (?, ?, ?, ?, ?)", row)
                homes = _homes(number, at, building, storeys, doors)
                connection.executemany("INSERT INTO LPB_HW VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", homes)
        connection.execute("END")
    return path


def _homes(number: str, estate: int, building: int, storeys: int, doors: int) -> Iterator[tuple[Any, ...]]:
    """Storey by storey: shops below, homes of four sizes above; some are sold, a few are let or seized."""
    for storey in range(1, storeys + 1):
        for door in range(1, doors + 1):
            unit = f"4407030010{estate:02d}GB0000{estate}F{building:02d}{door:02d}{storey:02d}01"
            shop = storey == 1
            area = 88.5 if shop else (38.2, 45.6, 59.8, 72.4)[door % 4]
            # No chance in it: the same city each time.
            turn = (estate * 31 + building * 17 + storey * 7 + door) % 20
            sold = "已售" if turn < 5 else "查封" if turn == 7 else "已租" if turn == 9 else "可售"
            use = "商业服务" if shop else "住宅"
            room = f"{storey}{door:02d}"
            yield unit, number, f"{(door + 1) // 2} 单元", storey, room, area, round(area * 0.78, 2), use, sold, None
