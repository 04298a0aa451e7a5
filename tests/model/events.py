"""The lifecycle events of a deployment on ECS, in their order (CodeDeploy user guide, AppSpec 'hooks' section)."""

EVENTS = (
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "AllowTestTraffic",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AllowTraffic",
    "AfterAllowTraffic",
)
