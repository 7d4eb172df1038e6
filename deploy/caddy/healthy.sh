#!/bin/sh
# Exits with 0 if Caddy answers. Alpine has wget; a base of Debian has bash instead.
if command -v wget > /dev/null; then exec wget -q -O /dev/null http://127.0.0.1:2020/health; fi
exec bash -c 'exec 3<> /dev/tcp/127.0.0.1/2020 && printf "GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n" >&3 && read -r _ status _ <&3 && [ "$status" = 204 ]'
