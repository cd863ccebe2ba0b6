/* One AWS call as plain data: a form becomes a request, a reply becomes JSON.
 *
 *   CLEANUP_STRBUF struct strbuf form = STRBUF_EMPTY;
 *   aws_form (&form, id, "InstanceId.%d", 1);
 *   aws_request (b, AWS_STOP_INSTANCES, in, &form, req);
 *   ...
 *   CLEANUP_JSON json_t *root = aws_reply (AWS_STOP_INSTANCES, in, reply, err);
 *
 * EC2, STS and Auto Scaling speak Query: a POST form in, XML out.  (POST,
 * because libcurl's SigV4 does not sort a query.)  KMS speaks JSON.  XML turns
 * into JSON by one rule: an element with <item> or <member> children is an
 * array, one with other children an object, all else a string; an empty element
 * is "".  So an empty list is a string, over which json_array_foreach does
 * nothing. */

#ifndef BOOTMEND_AWS_CALL_H
#define BOOTMEND_AWS_CALL_H

#include <base/strbuf.h>
#include <net/http.h>
#include <providers/provider.h>

#include "actions.h"

/* Appends a parameter; a NULL or empty value is left out. */
void aws_form (struct strbuf *form, const char *value, const char *name, ...)
    ATTR_PRINTF (3, 4);
/* Filter.N.Name and its values; N counts from 1. */
void aws_form_filter (struct strbuf *form, int n, const char *name,
                      const json_t *values);
/* TagSpecification.1 for `type`: `tags` is an object; keys that AWS keeps for
 * itself (aws:) are left out. */
void aws_form_tags (struct strbuf *form, const char *type, const json_t *tags);

/* Fills req; `form` holds the parameters without Action and Version (for KMS:
 * the JSON body).  in.dry_run asks only for permission.  A call that changes
 * something is repeatable only with a ClientToken; reads always are. */
void aws_request (const struct binding *b, enum aws_action action,
                  const json_t *in, struct strbuf *form,
                  struct http_request *req);

/* The reply's root as JSON; NULL and an error as errors.h has them.  A dry run
 * that would have succeeded is an empty object. */
json_t *aws_reply (enum aws_action action, const json_t *in,
                   const struct http_reply *reply, struct err **err) ATTR_USE;

/* "https://ec2.eu-west-1.amazonaws.com/", or the endpoint of the options; to be
 * freed. */
char *aws_url (const struct binding *b, const char *service);
/* "i-" (or another prefix) and 8 or 17 hex digits. */
bool aws_is_id (const char *text, const char *prefix);

#endif
