"""Pictures of runs and networks."""
