"""Alarms that fire before the start, overrides, and the composite above CodeDeploy's ten."""

import pytest

from seachange_deployments import alarms
from seachange_deployments.errors import AlarmsFiringError, RefusedError
from tests.deployments.said import GREEN_WATCH, OLD, PROPERTIES
from tests.deployments.world import World, step

COMMON = tuple(f"common-{number}" for number in range(9))
MANY = {"CommonAlarms": list(COMMON), "CommonComposite": "common"}


def test_an_alarm_that_fires_before_the_start_is_named(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH, firing=("database",))
    with pytest.raises(AlarmsFiringError, match=r"Starting shop:12 is refused: alarm database fires \(3 of 3"):
        step(world)


def test_the_refusal_says_how_to_go_on(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH, firing=("database",))
    with pytest.raises(AlarmsFiringError) as refusal:
        step(world)
    assert str(refusal.value) == (
        "Starting shop:12 is refused: alarm database fires (3 of 3 above 0.05). Such an alarm would stop the deployment at "
        "once: mend its cause or wait until it is OK, then deploy again. If this release is the cure, override the alarm "
        "for it, by name, and deploy it again."
    )


def test_an_overridden_alarm_that_fires_is_left_out_and_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH, firing=("database",))
    world.creates("d-NEW1", "green-5xx", "green-p99")
    assert step(world, properties={"OverriddenAlarms": ["database", "green-p99"]}) is None
    said = "shop:12 is deployed without alarm database, as its override says: alarm database fires (3 of 3 above 0.05)."
    assert [
        (record.levelname, record.getMessage()) for record in caplog.records if "override" in record.getMessage()
    ] == [("WARNING", said)]


def test_an_overridden_alarm_that_does_not_fire_keeps_watching(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH).creates("d-NEW1", *GREEN_WATCH)
    assert step(world, properties={"OverriddenAlarms": ["database"]}) is None


def test_another_alarm_that_fires_is_refused_beside_an_overridden_one(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH, firing=("database", "green-5xx"))
    with pytest.raises(AlarmsFiringError) as refusal:
        step(world, properties={"OverriddenAlarms": ["database"]})
    assert refusal.value.alarms == ("alarm green-5xx fires (3 of 3 above 0.05)",)


def test_the_composite_stands_for_the_common_ones(world: World) -> None:
    world.stack().group().service(OLD).alarms("green-5xx", "green-p99", *COMMON)
    world.creates("d-NEW1", "green-5xx", "green-p99", "common")
    assert step(world, properties=MANY) is None


def test_an_overridden_alarm_of_the_direction_leaves_the_composite_in_place(world: World) -> None:
    world.stack().group().service(OLD).alarms("green-5xx", "green-p99", *COMMON, firing=("green-5xx",))
    world.creates("d-NEW1", "green-p99", "common")
    assert step(world, properties={**MANY, "OverriddenAlarms": ["green-5xx"]}) is None


def test_an_overridden_common_alarm_replaces_the_composite_by_the_others(world: World) -> None:
    world.stack().group().service(OLD).alarms("green-5xx", "green-p99", *COMMON, firing=("common-3",))
    others = [name for name in COMMON if name != "common-3"]
    world.creates("d-NEW1", "green-5xx", "green-p99", *others)
    assert step(world, properties={**MANY, "OverriddenAlarms": ["common-3"]}) is None


def test_too_many_without_the_composite_are_refused_with_the_numbers(world: World) -> None:
    common = [*COMMON, "common-9"]
    world.stack().group().service(OLD).alarms("green-5xx", "green-p99", *common, firing=("common-3",))
    with pytest.raises(RefusedError) as refusal:
        step(world, properties={**MANY, "CommonAlarms": common, "OverriddenAlarms": ["common-3"]})
    assert str(refusal.value) == (
        "Starting shop:12 without common-3 is refused: 11 alarms remain (common stands for them all, and so fires too), and "
        "CodeDeploy takes 10. Mend what fires, or give the service fewer alarms, then deploy again."
    )


def test_the_composite_is_resolved_for_messages() -> None:
    given = ["green-5xx", "common", "common-1"]
    assert alarms.individuals({**PROPERTIES, **MANY}, given) == ["green-5xx", *COMMON]
    assert alarms.individuals(PROPERTIES, given) == given
