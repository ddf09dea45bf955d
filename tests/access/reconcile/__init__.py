"""Tests of access/reconcile."""
