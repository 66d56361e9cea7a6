import pytest

from tests.registration.town import watched

outbox = pytest.fixture(watched)
