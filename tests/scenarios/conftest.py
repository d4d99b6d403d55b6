"""A stage for stories, once for each file of tests."""

from collections.abc import Iterator

import pytest

from leadlane.scenarios.stage import Stage, open_stage
from leadlane.store.server import maintenance_url


@pytest.fixture(scope="module")
def stage(server_url: str) -> Iterator[Stage]:
    """Every story plays in a savepoint of one transaction, so any database does, and one for all of them."""
    with open_stage(maintenance_url(server_url)) as connection:
        yield connection
