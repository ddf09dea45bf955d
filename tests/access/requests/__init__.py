"""Tests of access/requests."""
