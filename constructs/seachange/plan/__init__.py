"""What two cloud assemblies say of a deployment, as pure data: what a rehearsal performs and a simulation calculates."""
