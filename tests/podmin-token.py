#!/usr/bin/env python3
"""Signs in to a service and prints a token with every scope. Usage: podmin-token.py ADDRESS NAME PASSWORD"""
import json
import re
import sys
import urllib.parse
import urllib.request

address, name, password = sys.argv[1:]
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
page = browser.open(address + "sign-in").read().decode()
form = {"token": re.search(r'name="token" value="([^"]+)"', page)[1], "name": name, "password": password}
browser.open(address + "sign-in", urllib.parse.urlencode(form).encode())
scopes = json.load(browser.open(address + "api/v1/me"))["scopes"]
new = json.dumps({"name": "schemathesis", "scopes": scopes, "days": 1}).encode()
request = urllib.request.Request(address + "api/v1/tokens", new, {"Content-Type": "application/json"})
token = json.load(browser.open(request))["token"]
assert {"board_read", "board_write"} <= set(scopes), f"{name} is no podmin"
print(token)
