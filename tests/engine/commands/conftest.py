"""What the tests of invoices share. A file with a desk of another kind makes its own."""

from __future__ import annotations

import pytest

from tests.engine.commands.invoice_desk import Desk, desk_of
from tests.support.installation import Installation


@pytest.fixture
def desk(anju: Installation) -> Desk:
    """The money desk with the invoice platforms behind it."""
    return desk_of(anju)


@pytest.fixture
def desk_both(anju_both: Installation) -> Desk:
    """The same, once on each database."""
    return desk_of(anju_both)
