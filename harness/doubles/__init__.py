"""Contract doubles: images of ours that behave, at its edges, as a component does whose own image is not to be had.

A double is the program in `go/`, a description made of the component's contract, and a file in `components/` with what
a contract does not say (how settings lead to stores, which paths answer what). Third-party servers are never doubled.
"""
