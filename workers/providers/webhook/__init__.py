"""Any system with an HTTPS endpoint as a target: signed calls, signed answers, one schema."""

from workers.providers.webhook.provider import Webhook
from workers.providers.webhook.settings import Role
from workers.providers.webhook.settings import WebhookSettings as Settings

__all__ = ["Role", "Settings", "Webhook"]
