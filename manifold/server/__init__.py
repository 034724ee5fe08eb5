"""The process: settings and files, TLS and HTTP, and the way of a request through everything below.

Promises: what is wrong with settings is said in one line before anything is written; every request is answered, with
a `Status` where it is refused; nothing listens without TLS; SIGTERM ends what is open and loses nothing.
Must not know: what a type means or who may do what; it asks the layers below and puts their answers on the wire.
"""
