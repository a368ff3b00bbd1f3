-- A database of a test's own, a copy of another one that nobody is connected to.
CREATE DATABASE {name} TEMPLATE {template}
