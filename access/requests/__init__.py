"""Asking and deciding: a person asks, an approver answers once, more time is asked for, silence lapses."""
