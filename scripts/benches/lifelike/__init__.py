"""A repository like those that grew for years, made anew each time."""
