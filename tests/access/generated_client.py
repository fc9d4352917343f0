"""Asks a door with the client that was generated from its description.

Reads {"folder", "url", "who": {name: token}} from standard input, where `folder` holds the package `wharf_client`; prints what
each of them was told, as one JSON object.
"""

import json
import sys

asked = json.load(sys.stdin)
sys.path.insert(0, asked["folder"])

from wharf_client import AuthenticatedClient, Client  # noqa: E402
from wharf_client.api.audit import get_api_audit, get_api_audit_verify  # noqa: E402
from wharf_client.api.auth import get_api_auth_me, post_api_auth_login  # noqa: E402
from wharf_client.api.health import get_health  # noqa: E402
from wharf_client.api.queries import post_api_queries_execute, post_api_statements  # noqa: E402
from wharf_client.api.tables import get_api_tables, get_list_data, post_api_tables, post_sample_data  # noqa: E402
from wharf_client.api.tokens import get_api_tokens  # noqa: E402
from wharf_client.api.users import delete_api_users_name, post_api_users  # noqa: E402
from wharf_client.models import (  # noqa: E402
    ApiError,
    ExecuteRequest,
    GrantAction,
    GrantChange,
    Login,
    SampleData,
    SampleType,
    Statements,
    UserCreate,
)


def told(reply):
    """A reply as plain data. Each must have been read into a shape of its own."""
    if isinstance(reply, list):
        return [told(item) for item in reply]
    return reply.to_dict()


def everybody(client):
    """What agents do."""
    execute = lambda sql: told(post_api_queries_execute.sync(client=client, body=ExecuteRequest(query=sql)))  # noqa: E731
    sample = SampleData(table_name="orders", sample_type=SampleType.FIRST, sample_size=100)
    statement = Statements(statement="select id, amount from orders order by id")
    refused = post_api_queries_execute.sync(client=client, body=ExecuteRequest(query="select * from payroll"))
    assert isinstance(refused, ApiError), refused
    return {
        "me": told(get_api_auth_me.sync(client=client)),
        "tables": told(get_api_tables.sync(client=client)),
        "listed": told(get_list_data.sync(client=client)),
        "rows": execute("select * from orders order by id"),
        "sample": told(post_sample_data.sync(client=client, body=sample)),
        "statement": told(post_api_statements.sync(client=client, body=statement)),
        "refused": told(refused),
        "tokens": told(get_api_tokens.sync(client=client)),
    }


def admin(client):
    """What admins do."""
    allow = GrantChange(action=GrantAction.ALLOW, table="payroll", subject="role:engineer")
    create = UserCreate(username="carol", password="correct horse")
    done = {"allowed": told(post_api_tables.sync(client=client, body=allow)), "made": told(post_api_users.sync(client=client, body=create))}
    login = Login(username="carol", password="correct horse")
    done["login"] = told(post_api_auth_login.sync(client=Client(base_url=asked["url"]), body=login))
    done["deleted"] = told(delete_api_users_name.sync("carol", client=client))
    done["denials"] = told(get_api_audit.sync(client=client, outcome="denied", table="payroll", page_size=5))
    done["verdict"] = told(get_api_audit_verify.sync(client=client))
    done["tokens"] = told(get_api_tokens.sync(client=client))
    return done


def main():
    clients = {name: AuthenticatedClient(base_url=asked["url"], token=token) for name, token in asked["who"].items()}
    answers = {name: admin(client) if name == "boss" else everybody(client) for name, client in clients.items()}
    answers["health"] = told(get_health.sync(client=Client(base_url=asked["url"])))
    json.dump(answers, sys.stdout)


main()
