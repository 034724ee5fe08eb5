"""`manifold provider init`: a folder in which one can begin to provide an API.

What it writes are the files of `folder`, which is such a folder for the API `widgets.example.com`: another API is
another four words in them. So what is written is what is tested.
"""
