"""Servers that come along for a start on one machine, run by our own code."""
