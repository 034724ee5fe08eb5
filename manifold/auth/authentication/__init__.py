"""Who a request is from: static tokens, client certificates, service account tokens, or nobody.

Promises: credentials that are not good are refused with 401, absent ones are the anonymous user; no token is kept in
clear. Must not know: HTTP beyond the two values it is given; what the user may do.
"""
