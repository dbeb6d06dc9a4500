"""The unmodified JavaScript client works a job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from engine.core.config import ROOT
from tests.web.api.conftest import CLIENT, SECRET, Caller
from tests.web.api.models import process
from tests.web.api.test_definitions import deploy
from tests.web.api.test_instances import begin, items

CLIENT_FOLDER = ROOT / "node_modules" / "@camunda8" / "orchestration-cluster-api"


@pytest.mark.skipif(shutil.which("node") is None or not CLIENT_FOLDER.is_dir(), reason="no node, or npm ci not run")
def test_a_javascript_worker_works_a_job(api: Caller) -> None:
    deploy(api, order_bpmn=process("order"))
    key = begin(api)["processInstanceKey"]
    ended = subprocess.run(
        ["node", "worker.mjs", "charge"],
        cwd=ROOT / "tests" / "web" / "api",
        env={
            **os.environ,
            "CAMUNDA_REST_ADDRESS": api.anju.url,
            "CAMUNDA_AUTH_STRATEGY": "OAUTH",
            "CAMUNDA_OAUTH_URL": f"{api.anju.url}/v2/oauth/token",
            "CAMUNDA_CLIENT_ID": CLIENT,
            "CAMUNDA_CLIENT_SECRET": SECRET,
            "CAMUNDA_TOKEN_AUDIENCE": "anju",
            "CAMUNDA_SDK_VALIDATION": "req:strict,res:strict",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["brokers"] == 1
    told = {one["name"]: one["value"] for one in items(api, "/variables", processInstanceKey=key)}
    assert told == {"order_id": '"A-1"', "seen": '"A-1"', "header": '"bank"'}
    assert [one["elementId"] for one in items(api, "/user-tasks", processInstanceKey=key)] == ["review"]
