"""Tests of the command line, the wiring and the embedded servers."""
