"""The contract suite on real targets, and the wrong providers that have to fail it."""
