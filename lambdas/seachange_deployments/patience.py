"""One look at AWS, which may be lost: the next one sees what is."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from seachange_deployments.errors import UnreachableError, is_passing
from seachange_deployments.request import GIVE_UP_S, Request

logger = logging.getLogger(__name__)
T = TypeVar("T")


def one_look(
    request: Request, look: Callable[[float], T | None], *, now: Callable[[], float] | None = None
) -> T | None:
    """What a look finds, None if AWS did not answer it.

    Args:
        request: What CloudFormation asked for.
        look: Gets the seconds since the request.
        now: The clock, in seconds since 1970; the system's by default.
    """
    age = (now or time.time)() - request.started_at
    try:
        return look(age)
    except (ClientError, BotoCoreError) as error:
        if not is_passing(error):
            raise
        if age > GIVE_UP_S:
            raise UnreachableError(error) from error
        logger.warning("AWS did not answer, looking again later: %s", error)
        return None
