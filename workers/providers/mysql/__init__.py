"""MariaDB as a target: a temporary login for each grant."""

from workers.providers.mysql.provider import Mysql
from workers.providers.mysql.settings import MysqlSettings as Settings
from workers.providers.mysql.settings import Role

__all__ = ["Mysql", "Role", "Settings"]
