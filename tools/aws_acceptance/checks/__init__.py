"""All checks, in the order in which they leave the stacks fit for the next."""

from tools.aws_acceptance.check import Check
from tools.aws_acceptance.checks import (
    alarm_before_start,
    container_port,
    crash_loop,
    depends_on,
    first_tasks,
    group_description,
    hook_permission,
    insufficient_data,
    lambda_through_nat,
    metric_delay,
    network,
    newer_database,
    notifications,
    outlives_service,
    override_rolls_back,
    rollback_after_rollback,
    stack_tags,
    succeeded_after_blue_ended,
    tag_change,
)

# What changes the template of the frozen service comes late, for it may leave the service as nobody would; what deletes it last.
CHECKS: tuple[Check, ...] = (
    succeeded_after_blue_ended.CHECK,
    lambda_through_nat.CHECK,
    metric_delay.CHECK,
    insufficient_data.CHECK,
    alarm_before_start.CHECK,
    override_rolls_back.CHECK,
    container_port.CHECK,
    network.CHECK,
    crash_loop.CHECK,
    notifications.CHECK,
    hook_permission.CHECK,
    rollback_after_rollback.CHECK,
    newer_database.CHECK,
    first_tasks.CHECK,
    depends_on.CHECK,
    group_description.CHECK,
    tag_change.CHECK,
    stack_tags.CHECK,
    outlives_service.CHECK,
)
