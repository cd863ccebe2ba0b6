/* Every request that the provider can build, from plain data. */

#ifndef BOOTMEND_TEST_GCP_REQUESTS_H
#define BOOTMEND_TEST_GCP_REQUESTS_H

#include <net/http.h>
#include <providers/provider.h>

#include "quoted.h"

struct request_case {
  enum op_id op;
  const char *in;     /* JSON with ' for " */
  const char *expect; /* "VERB path?query body", decoded, requestId=* */
};

extern const struct request_case request_cases[];
extern const size_t request_count;

/* Of project "p-1"; config {"local-ssd": "discard"}. */
struct binding *test_binding (void);
void test_binding_free (struct binding *b);
/* What a row makes of a reply; both texts with ' for ".  NULL: the error is in
 * *err. */
json_t *test_parse (struct binding *b, enum op_id op, const char *in_text,
                    int status, const char *body, struct err **err);
/* As in `expect`; to be freed. */
char *request_text (const struct http_request *req);

#endif
