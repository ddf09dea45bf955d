"""The bot by a person's hands: real page, bot, workers and target."""
