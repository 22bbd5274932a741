"""What browsers are told about an answer: security headers and CORS."""
