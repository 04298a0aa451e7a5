"""The alarms that watch a release."""

from seachange.alarms.canary import SyntheticsCanary
from seachange.alarms.database import DatabaseAlarms, DatabaseThresholds
from seachange.alarms.directed import DirectedAlarm
from seachange.alarms.expected_traffic import ExpectedTraffic
from seachange.alarms.override import AlarmOverride
from seachange.alarms.release import ReleaseAlarms
from seachange.alarms.thresholds import ReleaseThresholds

__all__ = [
    "AlarmOverride",
    "DatabaseAlarms",
    "DatabaseThresholds",
    "DirectedAlarm",
    "ExpectedTraffic",
    "ReleaseAlarms",
    "ReleaseThresholds",
    "SyntheticsCanary",
]
