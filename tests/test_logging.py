"""What is logged, by us and by libraries, shows no secret."""

from __future__ import annotations

import logging

import pytest
from tests.outbound.receiver import receiving
from tests.service.conftest import NOW

from leadlane.logging import configure_logging
from leadlane.outbound.posting import Answer, request


def test_no_address_that_is_a_secret_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    before = (logging.root.handlers[:], logging.root.level)
    configure_logging("debug", "json")
    try:
        with receiving() as receiver:
            url, headers = f"{receiver.url}?sig=geheim", {"authorization": "Bearer geheim"}
            answer = request("POST", url, b"{}", headers, ("127.0.0.0/8",), NOW)
        logging.getLogger("leadlane").debug("heard")
    finally:
        logging.root.handlers[:], logging.root.level = before[0], before[1]
    assert isinstance(answer, Answer)
    logged = capfd.readouterr().err
    assert "heard" in logged
    assert "geheim" not in logged
