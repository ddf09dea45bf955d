"""Tests of access/monitor."""
