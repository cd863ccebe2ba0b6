/* What the files of the search share; nobody else includes this.
 *
 * A source answers 0 with *ret set (found), 0 with *ret NULL (not this one;
 * said with finder_tried), or -1: it is meant and does not work. */

#ifndef BOOTMEND_GCP_FINDER_H
#define BOOTMEND_GCP_FINDER_H

#include <base/random.h>
#include <base/strbuf.h>
#include <net/fetch.h>

#include "credentials.h"

/* Enough for all that we call. [discovery] */
#define GCP_SCOPE "https://www.googleapis.com/auth/cloud-platform"

struct gcp_finder {
  const struct gcp_surroundings *around;
  const struct binding *binding;
  struct transport *transport, *own_transport;
  struct random_source random;
  struct strbuf tried;
};

void gcp_finder_init (struct gcp_finder *f,
                      const struct gcp_surroundings *around,
                      const struct binding *b);
void gcp_finder_release (struct gcp_finder *f);
#define CLEANUP_GCP_FINDER CLEANUP (gcp_finder_release)

/* NULL: not set, or empty. */
const char *gcp_variable (const struct gcp_finder *f, const char *name);
void gcp_tried (struct gcp_finder *f, const char *source, const char *fmt, ...)
    ATTR_PRINTF (3, 4);

int gcp_fetch (struct gcp_finder *f, const struct http_request *req,
               const struct credentials *signer,
               const struct fetch_options *options, struct fetched *got,
               struct err **err) ATTR_USE;

/* POST to a token service; the reply's access_token (or accessToken). `type` is
 * the body's, which is taken and wiped; `signer` may be NULL. */
struct credentials *gcp_ask_token (struct gcp_finder *f, const char *url,
                                   const char *type, char *body_taken,
                                   const struct credentials *signer,
                                   const char *source,
                                   struct err **err) ATTR_USE;
struct credentials *gcp_read_token (const struct gcp_finder *f,
                                    const struct http_reply *reply,
                                    const char *source,
                                    struct err **err) ATTR_USE;
/* Acts as another service account from now on. */
struct credentials *gcp_impersonate (struct gcp_finder *f, const char *url,
                                     struct credentials *from_taken,
                                     struct err **err) ATTR_USE;

int gcp_source_file (struct gcp_finder *f, struct credentials **ret,
                     struct err **err) ATTR_USE;
/* The project_id of that file; NULL: none. */
char *gcp_file_project (struct gcp_finder *f);
/* What a program prints (source-program.c); `json` is the whole file. */
struct secret *gcp_subject_of_program (struct gcp_finder *f, const json_t *json,
                                       struct err **err) ATTR_USE;
int gcp_source_metadata (struct gcp_finder *f, struct credentials **ret,
                         struct err **err) ATTR_USE;
/* NULL: it does not answer. */
char *gcp_metadata_project (struct gcp_finder *f);

#endif
