#include "operation.h"

#include <string.h>

#include "errors.h"
#include "names.h"

/* Refusals show within seconds; what takes longer than all of these is at work.
 */
static const int64_t waits_ms[] = {3000, 5000, 12000};

/* Operations are where their resource is. */
static enum gcp_method
method_of (const char *operation)
{
  if (strncmp (operation, "zones/", 6) == 0)
    return GCP_ZONE_OPERATION;
  return strncmp (operation, "regions/", 8) == 0 ? GCP_REGION_OPERATION
                                                 : GCP_GLOBAL_OPERATION;
}

static const char *
followed (const json_t *in)
{
  return json_str (in, "page.follow.operation", NULL);
}

bool
gcp_follow_build (const struct binding *b, const json_t *in,
                  struct http_request *req)
{
  const char *operation = followed (in);

  if (operation == NULL)
    return false;
  gcp_request (b, method_of (operation), operation, NULL, NULL, in, req);
  req->repeatable = false; /* a look at the VM says more than this, sooner */
  return true;
}

/* A second detach that is still at work would take a disk away that has come
 * back meanwhile: while one is under way, no other is begun. */
static bool
moves_a_disk (enum gcp_method method)
{
  return method == GCP_ATTACH_DISK || method == GCP_DETACH_DISK;
}

/* *out: what comes next, if there is anything to follow. */
static void
go_on (enum gcp_method method, const json_t *in, const json_t *operation,
       json_t *out)
{
  const char *id = gcp_id_of (json_str (operation, "selfLink", ""));
  int64_t tries = json_int (in, "page.follow.tries", 0);
  int64_t last = (int64_t)ARRAY_SIZE (waits_ms) - 1;

  if (strcmp (json_str (operation, "status", ""), "DONE") == 0 ||
      !gcp_is_a (id, "operations") || (tries > last && !moves_a_disk (method)))
    return;
  json_put (out, "next",
            json_make ("{s:{s:s,s:I}}", "follow", "operation", id, "tries",
                       (json_int_t)tries + 1));
  json_put_int (out, "after_ms", waits_ms[tries < last ? tries : last]);
}

/* Another read would show the same. */
static int
ended_badly (struct err *why_taken, struct err **err)
{
  if (why_taken->code == ERR_TRANSIENT || why_taken->code == ERR_THROTTLED ||
      why_taken->code == ERR_NOT_FOUND)
    why_taken->code = ERR_CONFLICT;
  return err_move (err, why_taken);
}

static int
read_operation (enum gcp_method method, const json_t *in,
                const struct http_reply *reply, json_t *out, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_JSON json_t *root =
      gcp_reply (method_of (followed (in)), reply, &why);

  if (root == NULL) {
    /* Forgotten, or not ours to read: what it changed is seen all the same. */
    if (why->code == ERR_NOT_FOUND || why->code == ERR_DENIED)
      return 0;
    return err_move (err, TAKE (why));
  }
  if (gcp_operation_failed (&gcp_methods[method], root, &why))
    return ended_badly (TAKE (why), err);
  go_on (method, in, root, out);
  return 0;
}

int
gcp_followed (enum gcp_method method, const json_t *in,
              const struct http_reply *reply, json_t **out, struct err **err)
{
  CLEANUP_JSON json_t *made = json_object (), *root = NULL;

  if (json_bool (in, "dry_run", false))
    return gcp_accepted (method, in, reply, out, err);
  if (followed (in)) {
    if (read_operation (method, in, reply, made, err) == -1)
      return -1;
  } else {
    root = gcp_reply (method, reply, err);
    if (root == NULL)
      return -1;
    go_on (method, in, root, made);
  }
  *out = TAKE (made);
  return 0;
}
