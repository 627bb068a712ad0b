"""Event time: watermarks, tumbling windows, and the counts blocks that carry both. Pure."""
