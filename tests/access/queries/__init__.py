"""Tests of access/queries."""
