"""A stand-in for the server behind the page, with made-up jobs, and the browser that looks at it."""
