"""Who a request is from, and what it may do.

Promises: authentication turns credentials into a `User`; authorization answers a question about a user, a logical
cluster and a verb, from the objects that grant it, by default no.
Must not know: HTTP beyond header values; the verbs.
"""
