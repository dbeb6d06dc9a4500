"""Batch files in a folder and over a real SFTP server: whole or not at all, once, and on from where a cut left them."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from connectors._kit import sftp, sftp_server
from connectors._kit.depots import Depot, FolderDepot
from connectors._kit.sftp import Access, sftp_depot
from engine.core.errors import OutsideFault, Unreachable

CONTENT = b"line\r\n" * 100_000
Open = Callable[[str], AbstractContextManager[Depot]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sftp_server.SftpServer]:
    with sftp_server.serving(tmp_path_factory.mktemp("bank"), "anju", "secret") as found:
        yield found


@pytest.fixture
def folder(server: sftp_server.SftpServer, tmp_path: Path) -> Path:
    """What the server shows, anew for each test."""
    server.folder = tmp_path / "remote"
    server.folder.mkdir()
    server.cut_after, server.damage = None, False
    return server.folder


def access(server: sftp_server.SftpServer) -> Access:
    return Access("127.0.0.1", server.port, "anju", sftp.fingerprint(server.host_key), "secret", timeout=5)


@pytest.fixture(params=["folder", "sftp"])
def depot(request: pytest.FixtureRequest, server: sftp_server.SftpServer, folder: Path) -> Open:
    @contextmanager
    def opened(flag: str = "") -> Iterator[Depot]:
        if request.param == "folder":
            yield FolderDepot(folder, "建行", flag)
        else:
            with sftp_depot(access(server), "建行", flag) as found:
                yield found

    return opened


def test_a_file_left_there_is_whole_with_its_flag_behind_it(depot: Open, folder: Path) -> None:
    with depot(".ok") as there:
        done = there.put("KK20261105.txt", CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert (done.size, done.sha256, done.sent) == (len(CONTENT), digest, len(CONTENT))
    assert sorted(os.listdir(folder)) == ["KK20261105.txt", "KK20261105.txt.ok"]
    assert (folder / "KK20261105.txt").read_bytes() == CONTENT
    assert (folder / "KK20261105.txt.ok").read_text() == f"{len(CONTENT)} {digest}\n"


def test_the_same_file_again_is_done_already_and_another_one_never_overwrites_it(depot: Open, folder: Path) -> None:
    with depot("") as there:
        there.put("a.txt", b"one")
        assert there.put("a.txt", b"one").sent == 0
        with pytest.raises(OutsideFault) as caught:
            there.put("a.txt", b"two")
    assert caught.value.code == "file_exists"
    assert (folder / "a.txt").read_bytes() == b"one"


def test_a_put_goes_on_where_an_earlier_one_was_cut_off(depot: Open, folder: Path) -> None:
    (folder / "a.txt.part").write_bytes(CONTENT[:250_000])
    with depot("") as there:
        assert there.put("a.txt", CONTENT).sent == len(CONTENT) - 250_000
    assert (folder / "a.txt").read_bytes() == CONTENT
    assert os.listdir(folder) == ["a.txt"]


def test_a_part_that_is_not_ours_is_begun_anew(depot: Open, folder: Path) -> None:
    (folder / "a.txt.part").write_bytes(b"something else")
    with depot("") as there:
        assert there.put("a.txt", CONTENT).sent == len(CONTENT)
    assert (folder / "a.txt").read_bytes() == CONTENT


def test_files_wait_for_their_flag_and_parts_for_their_end(depot: Open, folder: Path) -> None:
    for name in ("a.txt", "a.txt.done", "b.txt", "c.txt.part", "old.csv", "old.csv.done"):
        (folder / name).write_bytes(b"x")
    (folder / "archive").mkdir()
    with depot(".done") as there:
        assert [entry.name for entry in there.waiting("*.txt")] == ["a.txt"]
    with depot("") as there:
        assert [entry.name for entry in there.waiting("*.txt")] == ["a.txt", "b.txt"]


def test_a_fetch_goes_on_where_it_stopped_and_a_read_file_is_put_aside(
    depot: Open, folder: Path, tmp_path: Path
) -> None:
    (folder / "r.txt").write_bytes(CONTENT)
    (folder / "r.txt.ok").write_text(hashlib.sha256(CONTENT).hexdigest())
    (tmp_path / "r.txt.part").write_bytes(CONTENT[:7])
    with depot(".ok") as there:
        path = there.fetch("r.txt", tmp_path)
        assert path.read_bytes() == CONTENT
        assert there.fetch("r.txt", tmp_path) == path
        there.archive("r.txt")
        there.archive("r.txt")
        assert there.waiting() == []
        (folder / "r.txt").write_bytes(b"another of that name")
        there.archive("r.txt")
    assert sorted(os.listdir(folder / "archive")) == ["r.txt", "r.txt.1", "r.txt.ok"]


def test_a_file_that_is_not_what_its_flag_says_is_not_taken(depot: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "r.txt").write_bytes(CONTENT)
    (folder / "r.txt.ok").write_text(hashlib.sha256(b"other").hexdigest())
    with depot(".ok") as there, pytest.raises(OutsideFault) as caught:
        there.fetch("r.txt", tmp_path)
    assert caught.value.code == "file_damaged"
    assert not list(tmp_path.glob("r.txt*"))


def test_a_file_that_is_not_there_and_a_name_that_leaves_the_folder(depot: Open, tmp_path: Path) -> None:
    with depot("") as there:
        with pytest.raises(OutsideFault) as caught:
            there.fetch("none.txt", tmp_path)
        assert caught.value.code == "file_missing"
        for name in ("../a.txt", "/a.txt", "", ".hidden", "a/b", "a.part"):
            with pytest.raises(ValueError, match="name"):
                there.put(name, b"x")


def test_a_connection_cut_in_the_middle_leaves_no_file_and_the_next_try_finishes(
    server: sftp_server.SftpServer, folder: Path
) -> None:
    server.cut_after = 300_000
    with pytest.raises(Unreachable), sftp_depot(access(server), "建行") as there:
        there.put("a.txt", CONTENT)
    assert os.listdir(folder) == ["a.txt.part"]
    with sftp_depot(access(server), "建行") as there:
        done = there.put("a.txt", CONTENT)
    assert 0 < done.sent < len(CONTENT)
    assert (folder / "a.txt").read_bytes() == CONTENT


def test_what_reads_back_otherwise_is_not_left_there(server: sftp_server.SftpServer, folder: Path) -> None:
    server.damage = True
    with sftp_depot(access(server), "建行") as there, pytest.raises(OutsideFault) as caught:
        there.put("a.txt", CONTENT)
    assert caught.value.code == "file_damaged"
    assert os.listdir(folder) == []


def test_another_hosts_key_a_wrong_password_and_nobody_there(server: sftp_server.SftpServer, folder: Path) -> None:
    right = access(server)
    for wrong, code in (
        (replace(right, fingerprint="SHA256:other"), "host_key"),
        (replace(right, password="guess"), "unauthorised"),
        (replace(right, folder="nowhere"), "file_missing"),
        (replace(right, port=1), "unreachable"),
    ):
        with pytest.raises(OutsideFault) as caught, sftp_depot(wrong, "建行"):
            pass
        assert caught.value.code == code
        assert "guess" not in repr(wrong)


def test_a_key_opens_the_door_as_a_password_does(tmp_path: Path) -> None:
    key = paramiko.ECDSAKey.generate()
    text = io.StringIO()
    key.write_private_key(text)
    with sftp_server.serving(tmp_path, "anju", key=key) as found:
        by_key = replace(access(found), password="", key=text.getvalue())
        with sftp_depot(by_key, "建行") as there:
            there.put("a.txt", b"x")
        with pytest.raises(OutsideFault, match="私钥"), sftp_depot(replace(by_key, key="nonsense"), "建行"):
            pass
    assert (tmp_path / "a.txt").read_bytes() == b"x"
