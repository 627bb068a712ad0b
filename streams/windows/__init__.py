"""Event time: watermarks, tumbling windows, and the counts blocks that carry both between workers. Pure."""
