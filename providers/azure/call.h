/* One ARM call as plain data, and the operation that it may start.
 *
 * API versions.  Compute 2024-11-01: stable, the default of the official
 * client @azure/arm-compute 22.4, and attachDetachDataDisks needs 2024-07-01 or
 * newer.  Disks and snapshots 2024-03-02, that client's pair to it.  Newer
 * stable ones exist; nothing here needs them, and clouds that lag behind
 * (government, China) may lack them.
 *
 * A change is accepted with 200, 201 or 202 and goes on as an operation, which
 * can still fail.  azure_op_parse follows it: Azure-AsyncOperation first, then
 * Location, so often as Retry-After says (POLL_MS without one), as pages of the
 * same operation (providers/provider.h, "next" and "after_ms").  The URL of an
 * operation is used as given; it may be 4 KB long and more. */

#ifndef BOOTMEND_AZURE_CALL_H
#define BOOTMEND_AZURE_CALL_H

#include <net/http.h>
#include <providers/provider.h>

#define API_VM            "2024-11-01"
#define API_DISK          "2024-03-02"
#define API_SUBSCRIPTIONS "2022-12-01"
#define API_RESOURCES     "2021-04-01"
#define API_LOCKS         "2020-05-01"

struct azure_call {
  const char *method;
  char *path;        /* "/subscriptions/..." or a whole URL */
  const char *api;   /* NULL: the URL is used as it is */
  const char *query; /* "skipShutdown=true"; NULL: none; static */
  json_t *body;
};

/* One row: what is asked, what the reply means. */
struct azure_op {
  const char *action; /* for reports: "virtualMachines/start" */
  const char *right;  /* the permission: "Microsoft.Compute/..." */
  bool changes;
  bool repeatable;   /* a change that is the same if it is done twice */
  bool gone_is_fine; /* 404 is as good as done */
  int (*make) (const struct binding *b, const json_t *in,
               struct azure_call *call, struct err **err);
  /* NULL: out is {}. */
  int (*read) (const struct binding *b, const json_t *in, const json_t *root,
               json_t **out, struct err **err);
  /* What an error means for each of the things that a call was about: out as
   * providers/provider.h has it.  NULL from it, or none: for all the same. */
  json_t *(*divide) (const json_t *in, const struct err *why);
};

int azure_op_build (const struct azure_op *op, const struct binding *b,
                    const json_t *in, struct http_request *req,
                    struct err **err);
int azure_op_parse (const struct azure_op *op, const struct binding *b,
                    const json_t *in, const struct http_reply *reply,
                    json_t **out, struct err **err);

/* Fills req; takes what `call` owns.  -1 and ERR_PROTOCOL: the path is a URL of
 * another host than the endpoint: it would get our token. */
int azure_request (const struct binding *b, const char *action, bool repeatable,
                   struct azure_call *call, struct http_request *req,
                   struct err **err);
/* The body of a 2xx reply, {} if it is empty; NULL and an error as errors.h has
 * them. */
json_t *azure_reply (const struct http_reply *reply, const char *right,
                     bool changes, struct err **err) ATTR_USE;

/* "https://management.azure.com", without a slash at its end. */
const char *azure_endpoint (const struct binding *b);

#endif
