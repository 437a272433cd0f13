"""What the repository says: environments, services, who may do what. Only reads."""
