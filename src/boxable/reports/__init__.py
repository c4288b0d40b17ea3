"""Parts that HTML reports share: page, style, escaping, embedded images."""
