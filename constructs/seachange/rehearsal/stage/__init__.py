"""What a rehearsal stands on: PostgreSQL, the load balancer, tasks, secrets: real processes on the loopback interface."""
