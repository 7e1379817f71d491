"""The rooms below joined: an engine that reads, counts, judges, keeps and tells, and what is shown of it."""
