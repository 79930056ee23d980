"""What the project is about, as data: contracts, the graph they make, environments. Nothing here runs a program."""
