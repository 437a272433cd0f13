"""Adapters of outside programs. Nothing above this room knows how they are called."""
