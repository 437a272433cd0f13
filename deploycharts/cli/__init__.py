"""The command line: one small module a verb. Nothing else parses arguments or prints help."""
