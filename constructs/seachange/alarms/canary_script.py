"""What the canary runs: asks for one URL, and fails on another status than wanted or on a slow answer.

CloudWatch Synthetics gets this file's text, not the package: the standard library is all it may import.
"""

import os
import time
import urllib.error
import urllib.request


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer with a status, like any other."""

    def redirect_request(self, *_: object) -> None:
        return None


def handler(event: object, context: object) -> str:  # noqa: ARG001 (Synthetics calls it so)
    """Returns what was measured; an exception fails the run and says why."""
    url, status, seconds = os.environ["URL"], int(os.environ["STATUS"]), float(os.environ["SECONDS"])
    request = urllib.request.Request(url, headers={"User-Agent": "seachange-canary"})
    began = time.monotonic()
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds) as response:
            response.read()
            found = response.status
    except urllib.error.HTTPError as error:
        found = error.code
        error.close()
    except OSError as error:
        raise RuntimeError(f"{url} gave no answer within {seconds:g} s: {error}") from error
    took = time.monotonic() - began
    if found != status:
        raise RuntimeError(f"{url} answered {found}, not {status}")
    if took > seconds:
        raise RuntimeError(f"{url} took {took:.2f} s, more than {seconds:g} s")
    return f"{url} answered {found} in {took:.2f} s"
