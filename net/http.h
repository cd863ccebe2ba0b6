/* HTTP as plain data: what a provider builds and parses.
 *
 * Nothing here opens a socket.  A provider's build function fills a
 * struct http_request; somebody else (net/transport.h, a recording, a fake
 * cloud in memory) turns it into a struct http_reply; the provider's parse
 * function reads that.  */

#ifndef BOOTMEND_HTTP_H
#define BOOTMEND_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <base/vec.h>

struct http_header {
  char *name; /* as sent; compared without case */
  char *value;
};

DEFINE_VEC (struct http_header, http_headers);

enum http_sign {
  HTTP_SIGN_NONE,
  HTTP_SIGN_BEARER, /* Authorization: Bearer TOKEN of the binding */
  HTTP_SIGN_SIGV4   /* AWS signature, service and region below */
};

struct http_request {
  const char *action; /* what is called, for reports; static; NULL: unsaid */
  char *method;       /* "GET", "POST", "PUT", "PATCH", "DELETE" */
  char *url;
  struct http_headers headers;
  char *body; /* NULL: none */
  size_t body_len;

  enum http_sign sign;
  char *sign_service; /* sigv4: "ec2", "sts" */
  char *sign_region;
  char *audience; /* bearer: which token, NULL = the provider's own API */

  /* Repeating it has no second effect: a read, or one that carries an
   * idempotency token.  Anything else is never repeated by net/. */
  bool repeatable;
  int64_t deadline_ms;    /* for one attempt; 0 = the transport's default */
  size_t max_reply_bytes; /* 0 = the transport's default */
};

struct http_reply {
  int status;
  struct http_headers headers;
  char *body; /* terminated; never NULL in a reply */
  size_t body_len;
};

/* Both overwrite bodies and header values first: tokens come and go in them. */
void http_request_release (struct http_request *req);
void http_reply_release (struct http_reply *reply);
#define CLEANUP_HTTP_REQUEST CLEANUP (http_request_release)
#define CLEANUP_HTTP_REPLY   CLEANUP (http_reply_release)

void http_header_add (struct http_headers *headers, const char *name,
                      const char *value);
/* Takes one line as it comes from the wire ("Name: value\r\n").  A status line
 * starts the headers anew (1xx replies come before the real one); what is no
 * header is left out.  -1: more than HTTP_MAX_HEADERS of them. */
#define HTTP_MAX_HEADERS 256
int http_header_line (struct http_headers *headers, const char *line,
                      size_t len) ATTR_USE;
/* The first header of that name, compared without case; NULL if none. */
const char *http_header_get (const struct http_headers *headers,
                             const char *name);
/* The value of a header of that name (NULL: none fits) as a number: all of it,
 * or that of "Item;NUMBER" in "A;1,Item;2"; -1 if it is none. */
int64_t http_header_number (const struct http_header *header, const char *name,
                            const char *item);
void http_headers_free_all (struct http_headers *headers);

struct http_request *http_request_copy (const struct http_request *req);
void http_reply_copy (struct http_reply *to, const struct http_reply *from);
/* A web page: what a proxy answers in a service's place. */
bool http_reply_is_page (const struct http_reply *reply);
/* A body of our own making. */
void http_reply_set_body (struct http_reply *reply, const char *body,
                          size_t len);

/* Appends "name=value" to a form body or query ("&" before it if needed), both
 * percent-encoded as RFC 3986 asks (only unreserved characters stay). */
struct strbuf;
void http_form_add (struct strbuf *form, const char *name, const char *value);
void http_percent_encode (struct strbuf *sb, const char *text);

#endif
