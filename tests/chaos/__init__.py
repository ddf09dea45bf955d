"""Thousands of short grants while everything is broken again and again: what is promised holds all the same."""
