"""What lies between this process and GitHub: names, proxies, certificates."""
