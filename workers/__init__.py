"""The working face: changes the world and tells everybody else."""
