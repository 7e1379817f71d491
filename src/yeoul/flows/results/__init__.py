"""Results as they leave: records of them, to files and to topics."""
