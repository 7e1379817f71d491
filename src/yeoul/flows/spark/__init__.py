"""A workspace on the Spark engine."""
