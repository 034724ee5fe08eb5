"""Where a webhook is: the client configuration that CRD conversion and admission webhooks share.

A webhook is called over TLS, by URL or by the name of a service (Kubernetes docs, "Dynamic Admission Control").
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from manifold.base.fields import FieldError, Path, forbidden, invalid, not_supported, required
from manifold.base.names import dns_label_1035
from manifold.types.resource import Object

REVIEW_VERSIONS = ("v1", "v1beta1")
FORM = "; desired format: https://host[/path]"


def url_errors(url: str, path: Path) -> list[FieldError]:
    """What is wrong with the URL of a webhook."""
    try:
        parts: SplitResult = urlsplit(url)
    except ValueError as error:
        return [required(path, f"url must be a valid URL: {error}{FORM}")]
    errors: list[FieldError] = []
    if parts.scheme != "https":
        errors.append(invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{FORM}"))
    if not parts.netloc.rpartition("@")[2]:
        errors.append(invalid(path, "", f"host must be specified{FORM}"))
    if "@" in parts.netloc:
        user = parts.netloc.rpartition("@")[0]
        errors.append(invalid(path, user, "user information is not permitted in the URL"))
    if parts.fragment:
        errors.append(invalid(path, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        errors.append(invalid(path, parts.query, "query parameters are not permitted in the URL"))
    return errors


def service_errors(service: Object, path: Path) -> list[FieldError]:
    """What is wrong with the service of a webhook."""
    errors: list[FieldError] = []
    if not service.get("name"):
        errors.append(required(path.child("name")))
    if not service.get("namespace"):
        errors.append(required(path.child("namespace")))
    port = service.get("port", 443)
    if not 1 <= port <= 65535:
        errors.append(invalid(path.child("port"), port, "port is not valid: must be between 1 and 65535, inclusive"))
    url_path = service.get("path")
    if not url_path:
        return errors
    place = path.child("path")
    if not url_path.startswith("/"):
        errors.append(invalid(place, url_path, "must start with a '/'"))
    errors.extend(_segment_errors(url_path, place))
    return errors


def _segment_errors(url_path: str, place: Path) -> list[FieldError]:
    from manifold.base.names import dns_subdomain

    if url_path in ("", "/"):
        return []
    segments = url_path[1:].removesuffix("/").split("/")
    errors: list[FieldError] = []
    for position, segment in enumerate(segments):
        if not segment:
            errors.append(invalid(place, url_path, f"segment[{position}] may not be empty"))
        else:
            errors.extend(invalid(place, url_path, f"segment[{position}]: {text}") for text in dns_subdomain(segment))
    return errors


def review_errors(versions: Sequence[str], path: Path, empty: str = "") -> list[FieldError]:
    """What is wrong with the review versions a webhook understands; `empty` is the detail shown when it names none."""
    if not versions:
        return [required(path, empty)]
    errors: list[FieldError] = []
    for position, version in enumerate(versions):
        if version in versions[:position]:
            errors.append(invalid(path.at(position), version, "duplicate version"))
        else:
            errors.extend(invalid(path.at(position), version, text) for text in dns_label_1035(version))
    if not set(versions) & set(REVIEW_VERSIONS):
        errors.append(invalid(path, list(versions), f"must include at least one of {', '.join(REVIEW_VERSIONS)}"))
    return errors


def conversion_errors(conversion: Object, path: Path) -> list[FieldError]:
    """What is wrong with how a definition converts objects between its versions."""
    strategy = conversion.get("strategy") or ""
    if not strategy:
        return [required(path.child("strategy"))]
    if strategy not in ("None", "Webhook"):
        return [not_supported(path.child("strategy"), strategy, ("None", "Webhook"))]
    webhook = conversion.get("webhook") or {}
    client, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    place = path.child("webhookClientConfig")
    if strategy == "None":
        text = "should not be set when strategy is not set to Webhook"
        errors = [forbidden(place, text)] if client is not None else []
        return errors + ([forbidden(path.child("conversionReviewVersions"), text)] if versions else [])
    return _client_errors(client, place) + review_errors(versions, path.child("conversionReviewVersions"))


def _client_errors(client: Object | None, path: Path) -> list[FieldError]:
    if client is None:
        return [required(path, "required when strategy is set to Webhook")]
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        return [required(path, "exactly one of url or service is required")]
    if url is not None:
        return url_errors(url, path.child("url"))
    return service_errors(service or {}, path.child("service"))
