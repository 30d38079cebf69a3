"""The files of the conformance vectors, made by formulas, and what prints them anew."""
