"""From the bytes of an event to a value of the domain and back, one module per format. Pure."""
