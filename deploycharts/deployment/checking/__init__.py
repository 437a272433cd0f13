"""How each kind of check asks: one attempt, one finding."""
