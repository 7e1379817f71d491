"""Five-minute counters of a service's servers: read, joined, judged as one, and labelled slot by slot."""
