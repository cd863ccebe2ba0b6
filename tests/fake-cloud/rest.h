/* What fakes of JSON over REST share (azure/, gcp/): addresses and paths,
 * replies without the fake's own members, and the signed tokens (JWT) by which
 * clients show who they are; and of all fakes, specifications of machines. */

#ifndef BOOTMEND_FAKE_REST_H
#define BOOTMEND_FAKE_REST_H

#include "cloud.h"

/* "http://h:1/a%20b?c=d": base "http://h:1", host "h:1", path "/a%20b", query
 * "c=d". */
struct fake_url {
  char *base, *host, *path, *query;
};
void fake_url_split (const char *url, struct fake_url *parts);
void fake_url_release (struct fake_url *parts);
#define CLEANUP_FAKE_URL CLEANUP (fake_url_release)

/* Does path fit "/a/{name}/b"?  A segment in braces fits any that is not empty
 * and goes, decoded, into `into`; the others are compared, without case if
 * fold_case.  Of a path that does not fit nothing is kept. */
bool fake_path_match (const char *pattern, const char *path, bool fold_case,
                      json_t *into);

/* A deep copy without the members that begin with "_", at any depth. */
json_t *fake_visible (const json_t *body);

/* Members of a specification that are kept as they are under another name; rows
 * end with name NULL. */
struct fake_kept {
  const char *name, *as;
};
void fake_keep (const json_t *spec, json_t *body, const struct fake_kept *rows);

/* A specification of `count` machines: each is added by one of its own, with
 * its number in the place of {n} in every text, and one "zone" of a list that
 * is gone round. */
int fake_add_each (struct fake_cloud *cloud, const json_t *spec,
                   int (*add) (struct fake_cloud *cloud, const json_t *one,
                               struct err **err),
                   struct err **err) ATTR_USE;

/* Replies. */
void fake_reply_text (struct fake_call *call, int status, const char *type,
                      char *text_taken);
/* Sets call->result for the log. */
void fake_result (struct fake_call *call, const char *result);

/* A JWT as header and claims; -1 if it is none.  Its signature is checked by
 * fake_jwt_signed_by: RS256, key or certificate as PEM text. */
int fake_jwt_open (const char *jwt, json_t **header, json_t **claims);
bool fake_jwt_signed_by (const char *jwt, const char *pem);

#endif
