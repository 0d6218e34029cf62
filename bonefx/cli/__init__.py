"""The command line: one file for each command, and the parser that assembles them."""
