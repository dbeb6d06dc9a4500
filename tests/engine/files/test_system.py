import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.files import system


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    system._findings.cache_clear()
    yield
    system._findings.cache_clear()


def test_a_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = system.Library("Pango 排版库", ("libno-such-thing.so.9",), "libpango-1.0-0")
    monkeypatch.setattr(system, "LIBRARIES", (absent,))
    expected = "缺少Pango 排版库，不能生成 PDF 文书。请执行：apt-get install -y libpango-1.0-0"
    assert expected in system.check()
    assert expected in system.blocking()


def test_a_library_that_only_saves_time_blocks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = system.Library("裁剪库", ("libno-such-thing.so.9",), "libharfbuzz-subset0", blocking=False)
    monkeypatch.setattr(system, "LIBRARIES", (absent,))
    slow = "缺少裁剪库，生成 PDF 会慢几十倍。请执行：apt-get install -y libharfbuzz-subset0"
    assert slow in system.check()
    assert slow not in system.blocking()


@pytest.mark.parametrize(("answer", "words"), [("#!/bin/sh\n", "没有中文字体"), (None, "缺少 fontconfig")])
def test_a_machine_without_chinese_fonts_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str | None, words: str
) -> None:
    if answer is not None:
        (tmp_path / "fc-list").write_text(answer)
        (tmp_path / "fc-list").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    sentences = [sentence for sentence in system.blocking() if words in sentence]
    assert len(sentences) == 1
    assert "apt-get install -y fontconfig fonts-noto-cjk" in sentences[0]


def test_the_second_look_costs_nothing() -> None:
    first = system.check()
    started = time.perf_counter()
    assert system.check() == first
    assert time.perf_counter() - started < 0.01
