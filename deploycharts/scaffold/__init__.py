"""From a name to a new service: facts, questions, answers, tree, file plan, applied."""
