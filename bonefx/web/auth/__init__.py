"""Password login with rate limiting, for the page and the MCP tools."""
