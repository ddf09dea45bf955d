"""Tests of access/messages."""
