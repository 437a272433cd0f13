"""Three local control planes with pods that behave, and fail on demand."""
