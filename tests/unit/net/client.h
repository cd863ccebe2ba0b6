/* One request through a transport, start to end, for tests. */

#ifndef BOOTMEND_TEST_CLIENT_H
#define BOOTMEND_TEST_CLIENT_H

#include <net/curl-transport.h>

/* A request for http(s)://127.0.0.1:PORT/PATH; release it. */
void make_request (struct http_request *req, const char *method,
                   const char *scheme, unsigned port, const char *path);

/* Submits and waits for the completion (30 s at most); release it. */
struct exchange run_request (struct transport *t,
                             const struct http_request *req,
                             const struct http_auth *auth);
/* The same with defaults: GET (repeatable) or else POST of "a=b" (not). */
struct exchange run_path (struct transport *t, const char *method,
                          const char *scheme, unsigned port, const char *path);
/* Waits until there are n exchanges. */
void run_until (struct transport *t, struct exchanges *done, size_t n);

struct transport *new_transport (const char *ca_file);

#endif
