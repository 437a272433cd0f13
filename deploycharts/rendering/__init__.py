"""From helmfile's state to releases, their layers and their rendered documents."""
