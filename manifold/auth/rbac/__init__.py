"""Role-based access control (rbac.authorization.k8s.io/v1), compiled per logical cluster.

Promises: rules, subjects and policies are pure; `RBAC` is the one place that reads the store. A change of an RBAC
object holds from the next question on.
"""
