"""``python -m web.cli``: the same as ``anju``."""

from web.cli import main

main()
