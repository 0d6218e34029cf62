"""Settings of all unit tests."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def decoding_in_this_process():
    """Decode films in this process: without the start of others, and with limits to change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BONEFX_DECODERS", "0")
        yield
