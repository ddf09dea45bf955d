"""`countersign doctor`: looks at everything Countersign stands on, and says how to mend what is wrong."""
