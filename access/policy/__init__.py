"""The policy: read strictly from one file, asked at every step, and bound to what people were shown."""
