// Verifies a token with jose and the published keys, and tries an altered one.
import { createLocalJWKSet, jwtVerify } from "jose";

const { jwks, token, issuer, audience } = JSON.parse(process.argv[2]);
const keys = createLocalJWKSet(jwks);
const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience, algorithms: ["RS256"] });
const altered = jwtVerify(token.slice(0, -6) + "AAAAAA", keys, { issuer, audience });
const forged = await altered.then(() => "accepted", (error) => error.code);
process.stdout.write(JSON.stringify({ payload, protectedHeader, forged }));
