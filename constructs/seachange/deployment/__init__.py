"""How a new release reaches the service: CodeDeploy's resources, and the custom resource that starts a deployment and watches it."""
