"""Run in a container beside the edge: signs in wrongly some times, and prints the status of each answer.

login.py NUMBER [HEADER]: the header of every call, say one that claims another address.
"""

import socket
import ssl
import sys
import uuid

number, headers = int(sys.argv[1]), "".join(f"{header}\r\n" for header in sys.argv[2:])
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
for _ in range(number):
    body = f'{{"email": "{uuid.uuid4().hex}@example.com", "password": "{uuid.uuid4().hex}"}}'
    head = f"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    raw = socket.create_connection(("edge", 443), timeout=30)
    with context.wrap_socket(raw, server_hostname="localhost") as connection:
        connection.sendall((head + body).encode())
        sys.stdout.write(connection.recv(65_536).split(b" ")[1].decode() + "\n")
