"""The Secrets that the contracts ask for: what there is, what is missing, what is wrong. No value is ever shown."""
