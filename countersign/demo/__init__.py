"""The demonstration: a whole Countersign on one machine."""
