"""Which line sets the image of a service, and what an edit of it does."""
