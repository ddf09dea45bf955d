"""What providers promise: which promise was kept where, and the same asked of somebody's own target."""
