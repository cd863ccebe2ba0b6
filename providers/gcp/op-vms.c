/* Who we are, power, attributes. */

#include <string.h>

#include "call.h"
#include "names.h"
#include "operation.h"
#include "ops.h"

int
gcp_identify_build (const struct binding *b, const json_t *in,
                    struct http_request *req, struct err **err)
{
  (void)err;
  gcp_request (b, GCP_PROJECT_GET, "", NULL, NULL, in, req);
  return 0;
}

int
gcp_identify_parse (const struct binding *b, const json_t *in,
                    const struct http_reply *reply, json_t **out,
                    struct err **err)
{
  CLEANUP_JSON json_t *root = gcp_reply (GCP_PROJECT_GET, reply, err);
  const char *name = json_str (root, "name", b->account);

  (void)in;
  if (root == NULL)
    return err_wrap (err, "project %s", b->account);
  *out = json_make ("{s:s}", "account", name);
  return 0;
}

/* --- power ---------------------------------------------------------------- */

static const char *
only_vm (const json_t *in, struct err **err)
{
  const json_t *vms = json_need_array (in, "vms", err);

  if (vms && json_array_size (vms) != 1) {
    err_set (err, ERR_INTERNAL, "%zu VMs in one call, Compute takes one",
             json_array_size (vms));
    return NULL;
  }
  return vms ? gcp_need_id (json_array_get (vms, 0), "id", "instances", err)
             : NULL;
}

static int
accepted_vm (enum gcp_method method, const json_t *in,
             const struct http_reply *reply, json_t **out, struct err **err)
{
  if ((method == GCP_STOP ? gcp_accepted : gcp_followed) (method, in, reply,
                                                          out, err) == -1)
    return -1;
  json_put (*out, "failed", json_array ());
  return 0;
}

/* With Local SSD Compute wants to know what becomes of them; refusals.c has
 * seen to it that the operator has said so. */
int
gcp_stop_build (const struct binding *b, const json_t *in,
                struct http_request *req, struct err **err)
{
  const char *id = only_vm (in, err);
  const json_t *vm = json_array_get (json_object_get (in, "vms"), 0);
  const char *choice = json_str (b->config, "local-ssd", "");
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;

  if (id == NULL)
    return -1;
  if (json_int (vm, "facts.local_ssds", 0) > 0) {
    if (*choice == '\0')
      return err_set (err, ERR_REFUSED,
                      "local-ssd: it has Local SSD disks: give "
                      "--gcp-local-ssd discard or preserve");
    http_form_add (&query, "discardLocalSsd",
                   strcmp (choice, "discard") == 0 ? "true" : "false");
  }
  gcp_request (b, GCP_STOP, id, &query, NULL, in, req);
  return 0;
}

int
gcp_stop_parse (const struct binding *b, const json_t *in,
                const struct http_reply *reply, json_t **out, struct err **err)
{
  (void)b;
  return accepted_vm (GCP_STOP, in, reply, out, err);
}

int
gcp_start_build (const struct binding *b, const json_t *in,
                 struct http_request *req, struct err **err)
{
  const char *id = only_vm (in, err);

  if (id == NULL)
    return -1;
  if (gcp_follow_build (b, in, req))
    return 0;
  gcp_request (b, GCP_START, id, NULL, NULL, in, req);
  return 0;
}

int
gcp_start_parse (const struct binding *b, const json_t *in,
                 const struct http_reply *reply, json_t **out, struct err **err)
{
  (void)b;
  return accepted_vm (GCP_START, in, reply, out, err);
}

/* --- attributes ----------------------------------------------------------- */

/* The first disk whose flag is not as it was; the step looks again after each
 * call, so that the others get theirs.  Without one: the boot disk's. */
static const char *
differing (const json_t *vm, const json_t *saved, bool *flag)
{
  const char *root = json_str (saved, "os_disk.attributes.device_name", "");
  const json_t *now = json_at (vm, "attributes.disks");
  const char *device;
  json_t *was;

  *flag = json_bool (saved, "os_disk.attributes.auto_delete", false);
  if (json_bool (vm, "os_disk.attributes.auto_delete", !*flag) != *flag)
    return root;
  json_object_foreach (json_at (saved, "attributes.disks"), device, was)
  {
    bool before = json_bool (was, "auto_delete", false);
    const json_t *is = json_object_get (now, device);

    if (is && json_bool (is, "auto_delete", before) != before) {
      *flag = before;
      return device;
    }
  }
  return root;
}

int
gcp_restore_build (const struct binding *b, const json_t *in,
                   struct http_request *req, struct err **err)
{
  const char *id = gcp_need_id (in, "vm.id", "instances", err);
  bool flag = false;
  const char *device = differing (json_object_get (in, "vm"),
                                  json_object_get (in, "saved"), &flag);
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;

  if (id == NULL)
    return -1;
  if (*device == '\0')
    return err_set (err, ERR_INTERNAL, "no device name of its boot disk");
  http_form_add (&query, "autoDelete", flag ? "true" : "false");
  http_form_add (&query, "deviceName", device);
  gcp_request (b, GCP_SET_AUTO_DELETE, id, &query, NULL, in, req);
  return 0;
}

int
gcp_restore_parse (const struct binding *b, const json_t *in,
                   const struct http_reply *reply, json_t **out,
                   struct err **err)
{
  (void)b;
  return gcp_accepted (GCP_SET_AUTO_DELETE, in, reply, out, err);
}
