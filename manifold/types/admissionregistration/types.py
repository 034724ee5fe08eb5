"""The six types of admissionregistration.k8s.io/v1 with their columns."""

from __future__ import annotations

from datetime import datetime

from manifold.types.admissionregistration.bindings import PolicyBindingStrategy
from manifold.types.admissionregistration.policies import MutatingPolicyStrategy, ValidatingPolicyStrategy
from manifold.types.admissionregistration.webhooks import WebhookStrategy
from manifold.types.declaring import AGE, NAME, built_in
from manifold.types.resource import Column, Object, ResourceType
from manifold.types.strategies import PlainStrategy, StatusSubresource

GROUP = "admissionregistration.k8s.io"
CATEGORIES = ("api-extensions",)
UNSET = "<unset>"


def _webhooks(obj: Object, now: datetime) -> int:
    return len(obj.get("webhooks") or ())


def _validations(obj: Object, now: datetime) -> int:
    return len((obj.get("spec") or {}).get("validations") or ())


def _mutations(obj: Object, now: datetime) -> int:
    return len((obj.get("spec") or {}).get("mutations") or ())


def _param_kind(obj: Object, now: datetime) -> str:
    kind = (obj.get("spec") or {}).get("paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else UNSET


def _policy_name(obj: Object, now: datetime) -> str:
    name: str = (obj.get("spec") or {}).get("policyName") or ""
    return name


def _param_reference(obj: Object, now: datetime) -> str:
    reference = (obj.get("spec") or {}).get("paramRef")
    if not reference:
        return UNSET
    name = reference.get("name") or "*"
    return f"{reference['namespace']}/{name}" if reference.get("namespace") else name


_POLICY_NAME = Column("PolicyName", _policy_name, description="The policy that is bound")
_PARAM_REF = Column("ParamRef", _param_reference, description="Where the policy's parameters are")
_PARAM_KIND = Column("ParamKind", _param_kind, description="The kind of the policy's parameters")
_HOOKS = Column("Webhooks", _webhooks, "integer", description="How many webhooks there are")
_VALIDATIONS = Column("Validations", _validations, "integer", description="How many validations there are")
_MUTATIONS = Column("Mutations", _mutations, "integer", description="How many mutations there are")


def _type(resource: str, kind: str, strategy: PlainStrategy, *columns: Column, status: bool = False) -> ResourceType:
    return built_in(
        GROUP,
        "v1",
        resource,
        kind,
        strategy,
        namespaced=False,
        categories=CATEGORIES,
        columns=(NAME, *columns, AGE),
        subresources={"status": StatusSubresource()} if status else {},
        generation=True,
        unconditional_update=False,
    )


TYPES = (
    _type("mutatingadmissionpolicies", "MutatingAdmissionPolicy", MutatingPolicyStrategy(), _MUTATIONS, _PARAM_KIND),
    _type(
        "mutatingadmissionpolicybindings",
        "MutatingAdmissionPolicyBinding",
        PolicyBindingStrategy(acts=False),
        _POLICY_NAME,
        _PARAM_REF,
    ),
    _type("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", WebhookStrategy(mutating=True), _HOOKS),
    _type(
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy",
        ValidatingPolicyStrategy(),
        _VALIDATIONS,
        _PARAM_KIND,
        status=True,
    ),
    _type(
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        PolicyBindingStrategy(acts=True),
        _POLICY_NAME,
        _PARAM_REF,
    ),
    _type("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", WebhookStrategy(mutating=False), _HOOKS),
)
