"""Files survive crashes, lie encrypted, and go only when nobody refers to them."""

import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from engine.core.errors import NotFound
from engine.files.store import FileDamaged, FileStore

DAY = timedelta(days=1)
TEXT = "张建国的身份证明 440802199001011234".encode()
CHILD = """
import os, sys, time
from pathlib import Path
from cryptography.fernet import Fernet
from engine.files.store import FileStore
box = Fernet(sys.argv[2].encode())
store = FileStore(Path(sys.argv[1]), box.encrypt, box.decrypt)
"""


@pytest.fixture
def key() -> bytes:
    return Fernet.generate_key()


@pytest.fixture
def store(tmp_path: Path, key: bytes) -> FileStore:
    box = Fernet(key)
    return FileStore(tmp_path, box.encrypt, box.decrypt)


def files_below(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and path.name != "lock"]


def make_old(root: Path) -> None:
    for path in files_below(root):
        os.utime(path, (1, 1))


def child(root: Path, key: bytes, code: str) -> subprocess.Popen[str]:
    program = CHILD + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", program, root, key.decode()], stdout=subprocess.PIPE, text=True)


def test_what_was_put_comes_back(store: FileStore) -> None:
    sha = store.put(TEXT)
    assert store.get(sha) == TEXT
    assert store.exists(sha)
    assert list(store.ids()) == [sha]


def test_an_empty_file_is_a_file(store: FileStore) -> None:
    assert store.get(store.put(b"")) == b""


def test_the_disk_never_sees_plain_text(store: FileStore, tmp_path: Path) -> None:
    store.put(TEXT)
    (path,) = files_below(tmp_path)
    assert "张建国".encode() not in path.read_bytes()
    assert b"440802199001011234" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


def test_the_same_content_twice_is_one_file(store: FileStore, tmp_path: Path) -> None:
    assert store.put(TEXT) == store.put(TEXT)
    assert len(files_below(tmp_path)) == 1


def test_a_missing_file_is_not_found(store: FileStore) -> None:
    with pytest.raises(NotFound, match="文件不存在"):
        store.get("0" * 64)
    assert not store.exists("0" * 64)


@pytest.mark.parametrize("sha", ["", "../../etc/passwd", "A" * 64, "0" * 64 + "\n"])
def test_what_is_no_id_reaches_no_file(store: FileStore, sha: str) -> None:
    with pytest.raises(NotFound):
        store.get(sha)
    assert not store.exists(sha)


@pytest.mark.parametrize("position", [0, 10, -1])
def test_a_changed_byte_is_noticed(store: FileStore, tmp_path: Path, position: int) -> None:
    sha = store.put(TEXT)
    (path,) = files_below(tmp_path)
    stored = bytearray(path.read_bytes())
    stored[position] ^= 1
    path.write_bytes(stored)
    with pytest.raises(FileDamaged, match="已损坏"):
        store.get(sha)


def test_a_file_put_under_a_wrong_name_is_noticed(store: FileStore, tmp_path: Path) -> None:
    sha, other = store.put(TEXT), store.put(b"other")
    paths = {path.name: path for path in files_below(tmp_path)}
    paths[other].write_bytes(paths[sha].read_bytes())
    with pytest.raises(FileDamaged):
        store.get(other)


def test_putting_the_content_again_heals_a_damaged_file(store: FileStore, tmp_path: Path) -> None:
    sha = store.put(TEXT)
    (path,) = files_below(tmp_path)
    path.write_bytes(path.read_bytes()[:50])
    assert store.put(TEXT) == sha
    assert store.get(sha) == TEXT


def test_a_failure_while_sealing_leaves_nothing(tmp_path: Path) -> None:
    def broken(content: bytes) -> bytes:
        raise OSError("no key")

    store = FileStore(tmp_path, broken, broken)
    with pytest.raises(OSError, match="no key"):
        store.put(TEXT)
    assert files_below(tmp_path) == []


def test_a_full_disk_leaves_nothing(store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put(TEXT)
    assert files_below(tmp_path) == []


def test_a_sweep_takes_old_orphans_only(store: FileStore, tmp_path: Path) -> None:
    kept, orphan = store.put(b"kept"), store.put(b"orphan")
    make_old(tmp_path)
    fresh = store.put(b"fresh")
    assert store.sweep(lambda ids: {kept} & set(ids), DAY) == [orphan]
    assert set(store.ids()) == {kept, fresh}


def test_a_file_put_again_during_the_sweep_stays(store: FileStore, tmp_path: Path) -> None:
    sha = store.put(TEXT)
    make_old(tmp_path)

    def known(ids: list[str]) -> set[str]:
        store.put(TEXT)  # somebody uploads it anew between the question and the removal
        return set()

    assert store.sweep(known, DAY) == []
    assert store.get(sha) == TEXT


def test_a_sweep_asks_in_portions_and_reaches_every_file(store: FileStore, tmp_path: Path) -> None:
    ids = {store.put(str(number).encode()) for number in range(501)}
    make_old(tmp_path)
    asked: list[int] = []

    def known(chunk: list[str]) -> set[str]:
        asked.append(len(chunk))
        return set()

    assert set(store.sweep(known, DAY)) == ids
    assert sum(asked) == 501
    assert max(asked) <= 500


def test_many_writers_at_once_make_each_file_once(store: FileStore, tmp_path: Path) -> None:
    contents = [str(number % 5).encode() * 1000 for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(store.put, contents))
    assert [store.get(sha) for sha in ids] == contents
    assert len(files_below(tmp_path)) == 5


def test_a_writer_killed_before_the_rename_leaves_no_half_file(store: FileStore, tmp_path: Path, key: bytes) -> None:
    code = """
    def stop(descriptor):
        print("written", flush=True)
        time.sleep(60)
    os.fsync = stop
    store.put(b"half" * 100_000)
    """
    with child(tmp_path, key, code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.kill()
    assert list(store.ids()) == []
    assert len(files_below(tmp_path)) == 1
    make_old(tmp_path)
    store.sweep(set, DAY)
    assert files_below(tmp_path) == []


def test_what_a_killed_writer_reported_is_whole(store: FileStore, tmp_path: Path, key: bytes) -> None:
    code = """
    for number in range(100_000):
        print(store.put(str(number).encode() * 5_000), flush=True)
    """
    with child(tmp_path, key, code) as process:
        assert process.stdout is not None
        reported = [process.stdout.readline().strip() for _ in range(20)]
        time.sleep(0.003)
        process.kill()
        reported += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert set(reported) <= set(store.ids())
    for sha in store.ids():
        store.get(sha)
