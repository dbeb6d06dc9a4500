"""Files of banks and registers by a declared profile: build, read and match them without a line of Python per bank.

``load(path)`` gives a compiled ``Profile``; ``profile.build(...)`` gives bytes, ``profile.read(...)`` the lines of a
file, ``match(...)`` compares what came back with what was sent. The README of ``_kit`` shows a profile.
"""

from connectors._kit.files.faults import FileFault
from connectors._kit.files.kinds import Result
from connectors._kit.files.matching import Difference, Matching, match
from connectors._kit.files.profile import Profile, compile_profile, load
from connectors._kit.files.reading import Reader

__all__ = ["Difference", "FileFault", "Matching", "Profile", "Reader", "Result", "compile_profile", "load", "match"]
