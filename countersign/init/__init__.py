"""`countersign init`: asks the few questions and writes `access.yml` and `.env`."""
