"""One module per rule; the module's name is the rule's id with underscores."""
