"""What begins with the first test of the tier, whichever that is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gitops.production import Production


@pytest.fixture(scope="session", autouse=True)
def production(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production | None]:
    """The engine with production's timing; None where no test that asks for it is selected."""
    asked = any(item.path.name == "test_production.py" for item in request.session.items)
    if not asked:
        yield None
        return
    begun = Production(tmp_path_factory.mktemp("production"))
    begun.start()
    yield begun
    begun.stop()
