"""Evaluations of the kinds of data besides pictures: attack lists, and how much of what is found."""
