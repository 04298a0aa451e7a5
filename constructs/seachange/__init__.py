"""SeaChange: ship schema changes together with code, blue/green, on Amazon ECS.

The names below are the library's public ones. They load when first used: importing `seachange` starts neither aws_cdk nor jsii, so the
command line and the rehearsal, which share this package, stay quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seachange.alarms import (
        AlarmOverride,
        DatabaseAlarms,
        DatabaseThresholds,
        DirectedAlarm,
        ExpectedTraffic,
        ReleaseAlarms,
        ReleaseThresholds,
        SyntheticsCanary,
    )
    from seachange.database import PostgresDatabase, PublishedDatabase
    from seachange.deployment.hooks import Hook
    from seachange.deployment.smoke import SmokeTest
    from seachange.errors import InvalidArgumentError, SeaChangeError
    from seachange.frozen_record import keep_frozen
    from seachange.health import HealthCheck
    from seachange.images import image_by_digest
    from seachange.instances import max_connections_of
    from seachange.load_balancer import BlueGreenLoadBalancer
    from seachange.migrations import AlembicMigrations, FargateRunner
    from seachange.network import Network
    from seachange.scaling import ScalingTargets
    from seachange.service import BlueGreenService
    from seachange.targets import ExistingTargets
    from seachange.task import ServiceDatabase
    from seachange.traffic import TrafficShift

__all__ = [
    "AlarmOverride",
    "AlembicMigrations",
    "BlueGreenLoadBalancer",
    "BlueGreenService",
    "DatabaseAlarms",
    "DatabaseThresholds",
    "DirectedAlarm",
    "ExistingTargets",
    "ExpectedTraffic",
    "FargateRunner",
    "HealthCheck",
    "Hook",
    "InvalidArgumentError",
    "Network",
    "PostgresDatabase",
    "PublishedDatabase",
    "ReleaseAlarms",
    "ReleaseThresholds",
    "ScalingTargets",
    "SeaChangeError",
    "ServiceDatabase",
    "SmokeTest",
    "SyntheticsCanary",
    "TrafficShift",
    "image_by_digest",
    "keep_frozen",
    "max_connections_of",
]

_HOMES = {
    "AlarmOverride": "alarms",
    "AlembicMigrations": "migrations",
    "BlueGreenLoadBalancer": "load_balancer",
    "BlueGreenService": "service",
    "DatabaseAlarms": "alarms",
    "DatabaseThresholds": "alarms",
    "DirectedAlarm": "alarms",
    "ExistingTargets": "targets",
    "ExpectedTraffic": "alarms",
    "FargateRunner": "migrations",
    "HealthCheck": "health",
    "Hook": "deployment.hooks",
    "InvalidArgumentError": "errors",
    "Network": "network",
    "PostgresDatabase": "database",
    "PublishedDatabase": "database",
    "ReleaseAlarms": "alarms",
    "ReleaseThresholds": "alarms",
    "ScalingTargets": "scaling",
    "SeaChangeError": "errors",
    "ServiceDatabase": "task",
    "SmokeTest": "deployment.smoke",
    "SyntheticsCanary": "alarms",
    "TrafficShift": "traffic",
    "image_by_digest": "images",
    "keep_frozen": "frozen_record",
    "max_connections_of": "instances",
}

_OF_CDK = ("aws_cdk", "constructs")
"""What the extra `cdk` installs and the constructs are made of."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        home = import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        if error.name not in _OF_CDK:
            raise
        missing = f"seachange.{name} needs {error.name}, which is not installed: install seachange with its extra `cdk`"
        raise ModuleNotFoundError(missing, name=error.name) from None
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
