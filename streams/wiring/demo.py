"""The demo: an embedded broker, a simulated fleet in its founding incident, and the real worker, in one process."""
