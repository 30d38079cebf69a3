"""The command line: one module per noun; nothing heavy is imported before a command needs it."""
