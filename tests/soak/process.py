"""``python -m tests.soak.process …``: anju with the soak's operations, and leases short enough to wait for."""

from __future__ import annotations

from datetime import timedelta

from engine.jobs import queue

# A dead worker's job is free after this long. Longer than the bank ever takes, so that no request is still on its way.
queue.LEASE = timedelta(seconds=3)

import tests.soak.operations  # noqa: E402, F401  registers them
from web.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
