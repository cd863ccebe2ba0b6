/* One call of Compute as plain data: ids and JSON become a request, a reply
 * becomes JSON or an error.
 *
 *   gcp_request (b, GCP_STOP, id, &query, NULL, in, req);
 *   root = gcp_reply (GCP_STOP, reply, err);
 *
 * Changes answer with an operation, and a failed one is HTTP 200: gcp_reply
 * looks.  One that has not ended yet is followed where its late errors matter
 * (operation.h), and else counts as accepted: its effect is seen by a later
 * look (providers/provider.h). */

#ifndef BOOTMEND_GCP_CALL_H
#define BOOTMEND_GCP_CALL_H

#include <base/strbuf.h>
#include <net/http.h>
#include <providers/provider.h>

#include "methods.h"

/* The labels of what belongs to a campaign; as the tags that the engine gives
 * spell them. */
#define LABEL_PREFIX     "bootmend-"
#define LABEL_CAMPAIGN   "bootmend-campaign"
#define LABEL_CONTROLLER "bootmend-controller"
#define LABEL_SINCE      "bootmend-since"

/* How many names one filter takes: a guess, so that its URL stays below 8 KB; a
 * reply "414 Request-URI Too Large" would be the answer to one too long. */
#define FILTER_NAMES 40

/* `id`: behind the project, "" for the project itself, without the method's
 * suffix.  `query` (may be NULL) is percent-encoded already; `body` may be NULL
 * and is borrowed.  Changes get a requestId made of in.request (or in.token)
 * and of all that is asked: with it a repetition has no second effect.  With
 * in.dry_run a change becomes the question whether it would be allowed: which
 * of its permissions on this resource are granted (testIamPermissions, which
 * needs none itself); gcp_accepted reads the answer. */
void gcp_request (const struct binding *b, enum gcp_method method,
                  const char *id, const struct strbuf *query,
                  const json_t *body, const json_t *in,
                  struct http_request *req);

/* The id of a VM or disk in a record, checked; NULL: an error. */
const char *gcp_need_id (const json_t *in, const char *path, const char *kind,
                         struct err **err) ATTR_USE;

/* New reference; NULL: an error (errors.h). */
json_t *gcp_reply (enum gcp_method method, const struct http_reply *reply,
                   struct err **err) ATTR_USE;

/* For rows whose answer is only "accepted", or, to in.dry_run, "allowed". */
int gcp_accepted (enum gcp_method method, const json_t *in,
                  const struct http_reply *reply, json_t **out,
                  struct err **err) ATTR_USE;

/* What a serial port shows, whatever bytes it sends; as gcp_reply. */
json_t *gcp_console (const struct http_reply *reply, struct err **err) ATTR_USE;

/* name="a" OR name="b" */
void gcp_filter_names (struct strbuf *filter, const json_t *ids);

/* The zonal or the regional variant of a method on disks. */
enum gcp_method gcp_for_disk (const char *id, enum gcp_method zonal,
                              enum gcp_method regional);

/* --- members of replies: numbers come as texts --- */

/* -1: it is no number. */
int64_t gcp_number (const json_t *json, const char *path);
/* Copies a text that is not empty. */
void gcp_copy (json_t *to, const char *key, const json_t *from,
               const char *path);
/* Copies the last part of a link. */
void gcp_copy_last (json_t *to, const char *key, const json_t *from,
                    const char *path);

#endif
