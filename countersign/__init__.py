"""The door: command line, wiring, supervisor and the kit for third parties."""
