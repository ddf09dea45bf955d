"""Targets and rows are compared: drift, standing access, a restored database."""
