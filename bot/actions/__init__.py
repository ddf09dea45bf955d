"""One file for each thing a person can do with a button or a modal: ack, who, do, say."""
