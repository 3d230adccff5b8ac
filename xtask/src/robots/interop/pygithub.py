"""PyGithub, which fetches the key and seals by itself. One name and value a line.

Its values are text, so bytes that are not UTF-8 can't be given to it.
"""

import base64
import importlib.metadata
import json
import os
import sys

from github import Auth, Github

base_url, org = sys.argv[1:]
# Lazily, since the stand-in has an organization's secrets and not the organization itself.
github = Github(
    auth=Auth.Token(os.environ["GITHUB_TOKEN"]), base_url=base_url, retry=None, lazy=True
)


def store(call):
    value = base64.b64decode(call["value"]).decode()
    secret = github.get_organization(org).create_secret(call["name"], value, visibility="all")
    return secret.name


print(json.dumps(importlib.metadata.version("PyGithub")), flush=True)
for line in sys.stdin:
    try:
        reply = {"ok": store(json.loads(line))}
    except Exception as error:
        reply = {"error": repr(error)}
    print(json.dumps(reply), flush=True)
