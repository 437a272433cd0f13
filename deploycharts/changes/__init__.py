"""Two lists of documents in, what differs and what it means out. Pure: no reading, no printing."""
