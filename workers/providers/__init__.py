"""Providers: one file a target system."""
