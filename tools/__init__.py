"""Checks for those who work on the code."""
