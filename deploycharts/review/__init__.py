"""From a git range to what it does to every release and fixture."""
