"""Commands about machines and what is installed on them: systems, hosts, what killed runs left."""
