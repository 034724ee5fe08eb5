"""What a resource type is, and the built-in ones, one file per API group.

Promises: everything a type decides by itself (defaults, validation, immutability, subresources, columns, field labels)
as pure functions over plain JSON data.
Must not know: stores, requests, other objects. What depends on other objects is admission or the domain layers.
"""
