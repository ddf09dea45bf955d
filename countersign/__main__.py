"""`python -m countersign`, and the command `countersign`."""

from countersign.cli.app import main

if __name__ == "__main__":
    main()
