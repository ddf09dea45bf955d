"""Access on its way in, held, and on its way out: claims, calls at the target, ends, roles that grants share."""
