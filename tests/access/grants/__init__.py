"""Tests of access/grants."""
