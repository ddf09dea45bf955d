"""Tests of access/alerts."""
