"""The verbs of `deploy`, a module each."""
