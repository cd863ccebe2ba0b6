/* What the files of the libcurl transport share.  Nobody else includes this:
 * libcurl's types stay inside net/. */

#ifndef BOOTMEND_CURL_INTERNAL_H
#define BOOTMEND_CURL_INTERNAL_H

#include <curl/curl.h>

#include <base/strbuf.h>

#include <base/vec.h>

#include "curl-transport.h"
#include "url-rules.h"

/* Initialises libcurl once, with an allocator that overwrites what it frees:
 * libcurl keeps copies of keys, tokens and bodies. */
void curl_use (void);

/* Which certificates are trusted (ca-trust.c). */
DEFINE_VEC (int, fd_vec);
struct ca_trust {
  char *file, *folder;   /* either NULL: none */
  int combined;          /* a memory file that `file` names, or -1 */
  struct fd_vec earlier; /* those that requests under way still name */
};

int ca_trust_find (const char *extra_file, struct ca_trust *trust,
                   struct err **err) ATTR_USE;
/* One more file; `who` named it.  What is under way goes on with the old ones.
 */
int ca_trust_add (struct ca_trust *trust, const char *who, const char *file,
                  struct err **err) ATTR_USE;
void ca_trust_release (struct ca_trust *trust);

/* One request in work. */
struct transfer {
  uint64_t tag;
  CURL *easy;
  struct curl_slist *headers;
  struct url_facts url;
  char *method;
  char *log_url;
  bool repeatable;
  size_t max_reply_bytes;
  int64_t started_wall_ms, started_ms;

  unsigned starts; /* how many times it went out on a connection */
  bool refused_resend, refused_address, too_big;
  struct strbuf body;
  struct http_headers reply_headers;
  size_t header_bytes;
  char why[CURL_ERROR_SIZE];
};

/* Sets up t->easy from a request (curl-request.c); the multi handle is the
 * caller's business. */
int transfer_prepare (struct transfer *t, const struct http_request *req,
                      const struct http_auth *auth,
                      const struct transport_options *options,
                      const struct ca_trust *trust, struct err **err) ATTR_USE;

/* The error that a finished transfer with this result is (curl-errors.c). */
struct err *transfer_err (const struct transfer *t, CURLcode result);
/* A 3xx reply as an error: it is not followed. */
struct err *transfer_redirect_err (const struct transfer *t, long status);

#endif
