"""Nothing in the project names a package registry or a folder of the machine it was written on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.architecture.tree import findings, texts

REGISTRY = re.compile(
    r"(?i)\b(pypi[.]org|pythonhosted[.]org|npmjs[.](org|com)|npmmirror[.]com|yarnpkg[.]com|deb[.]debian[.]org|"
    r"mirrors?[.][a-z0-9-]+[.](com|cn|org|edu)|unpkg[.]com|jsdelivr[.]net|cdnjs[.])"
)
ADDRESS = re.compile(r"\w+://\S+")
INDEX = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host|^registry\s*=")
MACHINE = re.compile(r"(?<![\w.\-}>])/(work|root|home|tmp|Users|opt)/\w[\w./-]*")
LOCKS = {".ci/requirements.lock", ".ci/dev.lock", ".ci/node.lock", "package-lock.json"}
SETTINGS = LOCKS | {".npmrc", "Makefile", "setup.cfg", "pyproject.toml", "package.json"}


def found(pattern: re.Pattern[str], names: set[str] | None = None) -> Iterator[str]:
    for name, text in texts():
        if names is None or name in names:
            for number, line in enumerate(text.splitlines(), start=1):
                if hit := pattern.search(line):
                    yield f"{name}:{number} {hit[0]}"


def test_every_lock_file_is_there() -> None:
    assert {name for name, _ in texts()} >= LOCKS


def test_no_lock_file_or_setting_holds_an_address() -> None:
    addresses = [*found(ADDRESS, SETTINGS), *found(INDEX, SETTINGS)]
    assert not addresses, findings(addresses)


def test_every_locked_python_package_is_pinned_and_hashed() -> None:
    for name, text in texts():
        if name.endswith(".lock"):
            entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", text).strip())
            loose = [each for each in entries if not re.match(r"[\w.\-\[\]]+==\S+ .*--hash=sha256:", each, re.DOTALL)]
            assert not loose, findings(loose)


def test_no_file_names_a_package_registry() -> None:
    registries = list(found(REGISTRY))
    assert not registries, findings(registries)


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    paths = list(found(MACHINE))
    assert not paths, findings(paths)
