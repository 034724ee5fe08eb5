"""All the ways by which one and the same change reaches an object, so that rules can be tried at each of them.

A change is written as a merge patch. From that each door makes what it takes: a whole object, a JSON patch, an applied
configuration.
"""

import copy
import json
from dataclasses import dataclass

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Verdict:
    """What a request came to: the code, and for a refusal its text behind the name of the object."""

    code: int
    text: str = ""


def verdict(answer) -> Verdict:
    status, found = answer
    if status < 300:
        return Verdict(200)
    message = found["message"]
    for opening in (" is forbidden: ", " is invalid: "):
        if opening in message:
            return Verdict(status, message.partition(opening)[2])
    return Verdict(status, message)


def merged(obj, change):
    """An object after a merge patch (RFC 7396)."""
    if not isinstance(change, dict):
        return change
    made = dict(obj) if isinstance(obj, dict) else {}
    for key, value in change.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = merged(made.get(key), value)
    return made


def operations(obj, change, path=""):
    """The JSON patch that does to an object what a merge patch does."""
    made = []
    for key, value in change.items():
        place = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
        if value is None:
            if key in obj:
                made.append({"op": "remove", "path": place})
        elif isinstance(value, dict) and isinstance(obj.get(key), dict):
            made += operations(obj[key], value, place)
        else:
            made.append({"op": "add", "path": place, "value": merged(None, value)})
    return made


def removes(change) -> bool:
    """Whether a merge patch takes something away, which no applied configuration can."""
    return change is None or (isinstance(change, dict) and any(map(removes, change.values())))


class Object:
    """An object as its users reach it: at several URLs, which all lead to it."""

    def __init__(self, server, places, resource, kind, name, user="kcp-admin"):
        self.server = server
        self.places = places
        self.resource = resource
        self.identity = {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": name}}
        self.name = name
        self.user = user

    def request(self, method, url, body=None, media=""):
        headers = {"Content-Type": media} if media else {}
        text = json.dumps(body) if media else body
        return self.server.request(method, url, text, headers=headers, user=self.user)

    def live(self, place):
        status, found = self.request("GET", f"{place}{self.resource}/{self.name}")
        assert status == 200, found
        return found

    def creations(self, body):
        """Each way of creating it, by name, and what that came to. Nothing may come of them."""
        wanted = merged(self.identity, body)
        found = {}
        for where, place in self.places.items():
            url = f"{place}{self.resource}"
            found[f"{where}, POST"] = verdict(self.request("POST", url, wanted))
            found[f"{where}, POST, dry run"] = verdict(self.request("POST", f"{url}?dryRun=All", wanted))
            if "generateName" not in wanted["metadata"]:
                answer = self.request("PATCH", f"{url}/{self.name}?fieldManager=door", wanted, APPLY)
                found[f"{where}, apply"] = verdict(answer)
        return found

    def updates(self, change, part=""):
        """Each way of making a change, by name, and what that came to. `part` is a subresource."""
        found = {}
        for where, place in self.places.items():
            url = f"{place}{self.resource}/{self.name}{part}"
            for run in ("", "?dryRun=All"):
                live = self.live(place)
                how = f"{where}{', dry run' if run else ''}"
                body = merged(copy.deepcopy(live), change)
                found[f"{how}, PUT"] = verdict(self.request("PUT", url + run, body))
                found[f"{how}, merge patch"] = verdict(self.request("PATCH", url + run, change, MERGE))
                patch = operations(live, change)
                found[f"{how}, JSON patch"] = verdict(self.request("PATCH", url + run, patch, JSON_PATCH))
                if not removes(change):
                    applied = merged(self.identity, change)
                    query = f"{run}{'&' if run else '?'}fieldManager=door&force=true"
                    found[f"{how}, apply"] = verdict(self.request("PATCH", url + query, applied, APPLY))
        return found
