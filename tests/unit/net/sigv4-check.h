/* An independent reading of AWS Signature Version 4 ("Create a signed AWS API
 * request", IAM User Guide), to check what libcurl sends.  It is itself checked
 * against published examples. */

#ifndef BOOTMEND_TEST_SIGV4_H
#define BOOTMEND_TEST_SIGV4_H

struct sigv4_request {
  const char *method, *path, *query; /* query: in canonical form already */
  /* "name:value\n" for each signed header, lower case, sorted, trimmed. */
  const char *canonical_headers;
  const char *signed_headers; /* "content-type;host;..." */
  const char *body;
  const char *timestamp; /* "20150830T123600Z" */
  const char *region, *service, *secret_key;
};

/* The signature in hex. */
char *sigv4_signature (const struct sigv4_request *r);

#endif
