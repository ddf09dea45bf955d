"""Tests of the working face."""
