"""apiextensions.k8s.io: CustomResourceDefinitions, and what all custom types have in common.

`definitions` is the type, `spec` what may be wrong with one, `instances` and `columns` what every object of a type
with a structural schema is treated by, `webhooks` the address of a webhook.
"""
