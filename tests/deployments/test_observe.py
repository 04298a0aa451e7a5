"""How the Lambda calls AWS."""

import pytest

from seachange_deployments.observe import Clients

LAMBDA_TIMEOUT_S = 120
LONGEST_BACKOFF_S = 20  # between two attempts, in botocore's standard mode


def test_a_call_that_hangs_gives_up_before_the_lambda_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for client in vars(Clients.connect()).values():
        config = client.meta.config
        assert config.retries["mode"] == "standard"
        attempts = config.retries["total_max_attempts"]
        hung = attempts * (config.connect_timeout + config.read_timeout) + (attempts - 1) * LONGEST_BACKOFF_S
        assert hung < LAMBDA_TIMEOUT_S
