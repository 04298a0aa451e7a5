"""The alarms that watch a deployment, and those that fire before it may start."""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from seachange_deployments import observe
from seachange_deployments.deploy import alarms_for
from seachange_deployments.errors import AlarmsFiringError, RefusedError
from seachange_deployments.observe import Clients

logger = logging.getLogger(__name__)

# CodeDeploy's limit for one deployment; a composite alarm counts as one.
_MOST = 10
_MEND = "mend its cause or wait until it is OK, then deploy again."


def watching(clients: Clients, properties: Mapping[str, Any], serving_target_group: str, release: str) -> list[str]:
    """The alarms to give to CodeDeploy for the next deployment, when none that counts fires already.

    Those that the release overrides are left out if they fire, and only then. Raises AlarmsFiringError naming the others.
    """
    alarms = alarms_for(properties, serving_target_group)
    firing = observe.firing(clients, alarms)
    overridden = set(properties.get("OverriddenAlarms") or [])
    if others := [reason for name, reason in firing.items() if name not in overridden]:
        raise AlarmsFiringError(
            f"Starting {release}",
            others,
            f"{_MEND} If this release is the cure, override the alarm for it, by name, and deploy it again.",
        )
    for name, reason in firing.items():
        logger.warning("%s is deployed without alarm %s, as its override says: %s.", release, name, reason)
    return _for_codedeploy(properties, alarms, left_out=firing.keys(), release=release)


def are_silent(clients: Clients, alarms: Iterable[str], what: str) -> None:
    """Refuses `what` (for example "Ending the bake of …") while one of these alarms is in ALARM."""
    if firing := observe.firing(clients, alarms):
        raise AlarmsFiringError(what, list(firing.values()), _MEND)


def individuals(properties: Mapping[str, Any], alarms: Iterable[str]) -> list[str]:
    """These alarms with the composite one replaced by what it stands for: it would not say which of them fires."""
    composite, common = properties.get("CommonComposite"), properties.get("CommonAlarms") or []
    found = [name for alarm in alarms for name in (common if composite and alarm == composite else [alarm])]
    return list(dict.fromkeys(found))


def _for_codedeploy(
    properties: Mapping[str, Any], alarms: list[str], *, left_out: Collection[str], release: str
) -> list[str]:
    common, composite = set(properties.get("CommonAlarms") or []), properties.get("CommonComposite")
    names = [name for name in alarms if name not in left_out]
    if composite and not common.intersection(left_out):
        names = [*(name for name in names if name not in common), composite]
    if len(names) > _MOST:
        stands = f" ({composite} stands for them all, and so fires too)" if composite and left_out else ""
        raise RefusedError(
            f"Starting {release} without {', '.join(left_out) or 'any of its alarms left out'} is refused: {len(names)} alarms remain"
            f"{stands}, and CodeDeploy takes {_MOST}. Mend what fires, or give the service fewer alarms, then deploy again."
        )
    return names
