"""What the deployment custom resource runs: it starts, watches and stops CodeDeploy's blue/green deployments on ECS."""
