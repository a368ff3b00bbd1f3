"""What must hold after any storm; each check gives sentences about what does not."""
